-- Create a build; does nothing where another sender was quicker.
INSERT INTO builds (id, build_number, platform_id, os_version_id, image_type_id, native)
VALUES (
    %(id)s, %(build_number)s, %(platform_id)s, %(os_version_id)s, %(image_type_id)s, %(native)s
)
ON CONFLICT (build_number) DO NOTHING
