-- Image types by name, from behind one on; or the one of a name.
SELECT id, name, display_name, description, created_at, updated_at
FROM image_types
WHERE
    (%(name)s::text IS NULL OR name = %(name)s)
    AND (%(after)s::text IS NULL OR name > %(after)s)
ORDER BY name
LIMIT %(limit)s
