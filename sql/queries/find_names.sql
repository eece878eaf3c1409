-- Ids of names, also of those that were renamed: dimension, name, id.
SELECT 'platform' AS dimension, name, id FROM platforms WHERE name = ANY(%(platform)s)
UNION ALL
SELECT 'os_version', name, id FROM os_versions WHERE name = ANY(%(os_version)s)
UNION ALL
SELECT 'image_type', name, id FROM image_types WHERE name = ANY(%(image_type)s)
UNION ALL
SELECT 'project', name, id FROM projects WHERE name = ANY(%(project)s)
UNION ALL
SELECT dimension, name, target_id
FROM name_aliases
WHERE
    (dimension = 'platform' AND name = ANY(%(platform)s))
    OR (dimension = 'os_version' AND name = ANY(%(os_version)s))
    OR (dimension = 'image_type' AND name = ANY(%(image_type)s))
    OR (dimension = 'project' AND name = ANY(%(project)s))
