-- Images whose names have each of these words, at most 20; of these projects, null for every one.
SELECT
    projects.name AS project, platforms.name AS platform, os_versions.name AS os_version,
    image_types.name AS image_type
FROM built_images() AS images
JOIN platforms ON platforms.id = images.platform_id
JOIN os_versions ON os_versions.id = images.os_version_id
JOIN image_types ON image_types.id = images.image_type_id
LEFT JOIN projects ON projects.id = images.project_id
WHERE
    'unknown' NOT IN (platforms.name, os_versions.name, image_types.name)
    AND (%(projects)s::text [] IS NULL OR projects.name = ANY(%(projects)s))
    AND NOT EXISTS (
        SELECT FROM unnest(%(words)s::text []) AS word
        WHERE
            strpos(
                lower(concat_ws(' ', projects.name, platforms.name, os_versions.name, image_types.name)),
                word
            ) = 0
    )
ORDER BY projects.name, platforms.name, os_versions.name, image_types.name
LIMIT 20
