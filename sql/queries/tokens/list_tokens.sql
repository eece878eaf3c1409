-- Every token, the revoked ones last: name, scope, project and its times.
SELECT name, scope, project, created_at, expires_at, revoked_at
FROM tokens
ORDER BY revoked_at IS NOT NULL, created_at
