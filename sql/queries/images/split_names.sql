-- The names of a platform, OS version and image type that are this text with slashes between them.
SELECT platforms.name AS platform, os_versions.name AS os_version, image_types.name AS image_type
FROM platforms
JOIN image_types
    ON
        starts_with(%(text)s, platforms.name || '/')
        AND right(%(text)s, length(image_types.name) + 1) = '/' || image_types.name
JOIN os_versions
    ON platforms.name || '/' || os_versions.name || '/' || image_types.name = %(text)s
ORDER BY platforms.name
LIMIT 1
