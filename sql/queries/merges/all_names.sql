-- The names of each dimension: dimension, name.
SELECT 'project' AS dimension, name FROM projects
UNION ALL
SELECT 'platform', name FROM platforms
UNION ALL
SELECT 'os_version', name FROM os_versions
UNION ALL
SELECT 'image_type', name FROM image_types
