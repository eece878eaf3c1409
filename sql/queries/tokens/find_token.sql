-- The valid token of this digest: name, scope, project, override.
SELECT
    name, CASE WHEN 'promote' = ANY(rights) THEN 'promote' ELSE scope END AS scope, project,
    coalesce('override' = ANY(rights), false) AS override
FROM tokens
WHERE digest = %(digest)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
