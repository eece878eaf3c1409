-- Every token, the revoked ones last: name, scope, override, project and its times.
SELECT
    name, CASE WHEN 'promote' = ANY(rights) THEN 'promote' ELSE scope END AS scope,
    coalesce('override' = ANY(rights), false) AS override, project, created_at, expires_at, revoked_at
FROM tokens
ORDER BY revoked_at IS NOT NULL, created_at
