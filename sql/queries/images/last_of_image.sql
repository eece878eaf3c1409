-- The newest build of the images of these names, where a project may be left out: build_number,
-- project, status, attempt. It looks at the newest one of each image.
SELECT newest.build_number, named.project, newest.status, newest.attempt
FROM platforms
CROSS JOIN os_versions
CROSS JOIN image_types
CROSS JOIN LATERAL (
    SELECT id AS project_id, name AS project FROM projects
    WHERE %(project)s::text IS NULL OR name = %(project)s
    UNION ALL
    SELECT NULL, NULL WHERE %(project)s::text IS NULL
) AS named
CROSS JOIN LATERAL (
    SELECT build_number, status, attempt, created_at
    FROM builds
    WHERE
        coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
        = coalesce(named.project_id, '00000000-0000-0000-0000-000000000000')
        AND builds.platform_id = platforms.id
        AND builds.os_version_id = os_versions.id
        AND builds.image_type_id = image_types.id
    ORDER BY created_at DESC, id DESC
    LIMIT 1
) AS newest
WHERE
    platforms.name = %(platform)s AND os_versions.name = %(os_version)s
    AND image_types.name = %(image_type)s
ORDER BY newest.created_at DESC
LIMIT 1
