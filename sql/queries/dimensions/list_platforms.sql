-- Platforms by name, from behind one on; or the one of a name.
SELECT id, name, display_name, cloud_provider, region, created_at, updated_at
FROM platforms
WHERE
    (%(name)s::text IS NULL OR name = %(name)s)
    AND (%(after)s::text IS NULL OR name > %(after)s)
ORDER BY name
LIMIT %(limit)s
