-- Every token that was ever made, the living first: name, scope, project and its times.
SELECT name, scope, project, created_at, expires_at, revoked_at
FROM tokens
ORDER BY revoked_at IS NOT NULL, created_at
