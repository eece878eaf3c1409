-- The names that filters offer: dimension, name.
(SELECT 'project' AS dimension, name FROM projects ORDER BY name LIMIT 500)
UNION ALL
(SELECT 'platform', name FROM platforms ORDER BY name LIMIT 500)
UNION ALL
(SELECT 'os_version', name FROM os_versions ORDER BY name LIMIT 500)
UNION ALL
(SELECT 'image_type', name FROM image_types ORDER BY name LIMIT 500)
