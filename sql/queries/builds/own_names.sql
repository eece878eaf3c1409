-- The names that filters offer to a caller who may read `projects` alone: dimension, name.
SELECT DISTINCT 'project' AS dimension, name FROM projects WHERE name = ANY(%(projects)s)
UNION ALL
(
    SELECT DISTINCT dimension, named.name
    FROM named_builds
    CROSS JOIN LATERAL (
        VALUES
            ('platform', named_builds.platform),
            ('os_version', named_builds.os_version),
            ('image_type', named_builds.image_type)
    ) AS named (dimension, name)
    WHERE named_builds.project = ANY(%(projects)s)
    ORDER BY dimension, name
    LIMIT 1500
)
