-- The current names of platforms, OS versions, image types and projects with these old names:
-- dimension, name.
SELECT
    alias.dimension,
    coalesce(platforms.name, os_versions.name, image_types.name, projects.name) AS name
FROM jsonb_each_text(%(names)s::jsonb) AS wanted (dimension, name)
JOIN name_aliases AS alias ON alias.dimension = wanted.dimension AND alias.name = wanted.name
LEFT JOIN platforms ON alias.dimension = 'platform' AND platforms.id = alias.target_id
LEFT JOIN os_versions ON alias.dimension = 'os_version' AND os_versions.id = alias.target_id
LEFT JOIN image_types ON alias.dimension = 'image_type' AND image_types.id = alias.target_id
LEFT JOIN projects ON alias.dimension = 'project' AND projects.id = alias.target_id
