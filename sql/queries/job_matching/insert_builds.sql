-- Create builds of which nothing is known yet; does nothing where another sender was quicker.
INSERT INTO builds (id, build_number, platform_id, os_version_id, image_type_id, native)
SELECT
    given.id, given.build_number, %(platform_id)s, %(os_version_id)s, %(image_type_id)s, %(native)s
FROM unnest(%(ids)s::uuid[], %(numbers)s::text[]) AS given (id, build_number)
ORDER BY given.build_number
ON CONFLICT (build_number) DO NOTHING
