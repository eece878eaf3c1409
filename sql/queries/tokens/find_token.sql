-- The valid token of this digest: name, scope, project.
SELECT name, scope, project
FROM tokens
WHERE digest = %(digest)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
