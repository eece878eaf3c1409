-- Ids of names: dimension, name, id.
SELECT 'platform' AS dimension, name, id FROM platforms WHERE name = ANY(%(platform)s)
UNION ALL
SELECT 'os_version', name, id FROM os_versions WHERE name = ANY(%(os_version)s)
UNION ALL
SELECT 'image_type', name, id FROM image_types WHERE name = ANY(%(image_type)s)
UNION ALL
SELECT 'project', name, id FROM projects WHERE name = ANY(%(project)s)
