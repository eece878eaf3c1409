-- A new token; nothing where a living one has the name.
INSERT INTO tokens (name, scope, project, digest, expires_at)
VALUES (%(name)s, %(scope)s, %(project)s, %(digest)s, %(expires_at)s)
ON CONFLICT DO NOTHING
RETURNING id
