-- Every confirmed image with its names: project, platform, os_version, image_type, confirmed_by,
-- confirmed_at.
SELECT
    projects.name AS project, platforms.name AS platform, os_versions.name AS os_version,
    image_types.name AS image_type, confirmed_images.confirmed_by, confirmed_images.confirmed_at
FROM confirmed_images
JOIN platforms ON platforms.id = confirmed_images.platform_id
JOIN os_versions ON os_versions.id = confirmed_images.os_version_id
JOIN image_types ON image_types.id = confirmed_images.image_type_id
LEFT JOIN projects ON projects.id = confirmed_images.project_id
ORDER BY projects.name, platforms.name, os_versions.name, image_types.name
