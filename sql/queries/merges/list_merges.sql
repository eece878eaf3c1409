-- The merges that can be undone, by name: dimension, name, into, merged_at, merged_by.
SELECT
    alias.dimension, alias.name,
    coalesce(platforms.name, os_versions.name, image_types.name, projects.name) AS into,
    (alias.merged ->> 'at')::timestamptz AS merged_at, alias.merged ->> 'by' AS merged_by
FROM name_aliases AS alias
LEFT JOIN platforms ON alias.dimension = 'platform' AND platforms.id = alias.target_id
LEFT JOIN os_versions ON alias.dimension = 'os_version' AND os_versions.id = alias.target_id
LEFT JOIN image_types ON alias.dimension = 'image_type' AND image_types.id = alias.target_id
LEFT JOIN projects ON alias.dimension = 'project' AND projects.id = alias.target_id
WHERE alias.merged IS NOT NULL
ORDER BY alias.dimension, alias.name
