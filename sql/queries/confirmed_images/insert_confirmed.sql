-- Confirm an image; no row where it is confirmed already.
INSERT INTO confirmed_images (project_id, platform_id, os_version_id, image_type_id, confirmed_by)
VALUES (
    %(project_id)s, %(platform_id)s, %(os_version_id)s, %(image_type_id)s, %(confirmed_by)s
)
ON CONFLICT DO NOTHING
RETURNING confirmed_at
