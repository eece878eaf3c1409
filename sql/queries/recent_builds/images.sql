-- Every image that was built, by the ids of its builds' names, with the names that it is shown by; no
-- project is the nil id.
SELECT
    images.project_id, images.platform_id, images.os_version_id, images.image_type_id,
    projects.name AS project, platforms.name AS platform, os_versions.name AS os_version,
    image_types.name AS image_type, os_versions.major_version, os_versions.minor_version
FROM built_images() AS images
JOIN platforms AS own ON own.id = images.platform_id
JOIN os_versions ON os_versions.id = images.os_version_id
JOIN image_types ON image_types.id = images.image_type_id
JOIN platforms ON platforms.id = CASE
    WHEN own.name = 'unknown' AND 'unknown' NOT IN (os_versions.name, image_types.name)
        THEN coalesce(
            platform_of_image(images.project_id, images.os_version_id, images.image_type_id),
            own.id
        )
    ELSE own.id
END
LEFT JOIN projects ON projects.id = images.project_id
WHERE %(projects)s::text [] IS NULL OR projects.name = ANY(%(projects)s)
ORDER BY projects.name, platforms.name, os_versions.name, image_types.name
