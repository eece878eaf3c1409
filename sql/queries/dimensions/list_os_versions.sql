-- OS versions by name, from behind one on; or the one of a name.
SELECT id, name, display_name, os_family, major_version, minor_version, created_at, updated_at
FROM os_versions
WHERE
    (%(name)s::text IS NULL OR name = %(name)s)
    AND (%(after)s::text IS NULL OR name > %(after)s)
ORDER BY name
LIMIT %(limit)s
