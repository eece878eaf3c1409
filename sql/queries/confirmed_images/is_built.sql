-- Whether there is a build of an image: is_built.
SELECT EXISTS (
    SELECT FROM builds
    WHERE
        coalesce(project_id, '00000000-0000-0000-0000-000000000000')
        = coalesce(%(project_id)s::uuid, '00000000-0000-0000-0000-000000000000')
        AND platform_id = %(platform_id)s
        AND os_version_id = %(os_version_id)s
        AND image_type_id = %(image_type_id)s
) AS is_built
