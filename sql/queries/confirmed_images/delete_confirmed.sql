-- Take back that an image is confirmed; no row where it is not.
DELETE FROM confirmed_images
WHERE
    project_id IS NOT DISTINCT FROM %(project_id)s::uuid
    AND platform_id = %(platform_id)s
    AND os_version_id = %(os_version_id)s
    AND image_type_id = %(image_type_id)s
RETURNING confirmed_by, confirmed_at
