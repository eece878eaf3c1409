INSERT INTO confirmed_images (project_id, platform_id, os_version_id, image_type_id, confirmed_by)
SELECT project_id, platform_id, os_version_id, image_type_id, 'ada' FROM builds LIMIT 1;
