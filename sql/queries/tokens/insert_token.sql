-- Insert a token; no row where a token that is not revoked has the name.
INSERT INTO tokens (name, scope, rights, project, digest, expires_at)
VALUES (%(name)s, %(scope)s, %(rights)s, %(project)s, %(digest)s, %(expires_at)s)
ON CONFLICT DO NOTHING
RETURNING id
