-- Revoke the token of this name: scope, project, expires_at, revoked_at.
UPDATE tokens SET revoked_at = now()
WHERE name = %(name)s AND revoked_at IS NULL
RETURNING
    CASE WHEN 'promote' = ANY(rights) THEN 'promote' ELSE scope END AS scope, project, expires_at,
    revoked_at
