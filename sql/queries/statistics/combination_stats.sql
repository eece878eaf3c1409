-- Counts and median durations of each combination in 30 days, of the newest 10,000 builds. What
-- nobody names is no combination.
SELECT
    projects.name AS project, platforms.name AS platform, os_versions.name AS os_version,
    image_types.name AS image_type, recent.builds, recent.completed, recent.failed, recent.cancelled,
    recent.median_seconds, recent.last_at
FROM (
    SELECT
        project_id, platform_id, os_version_id, image_type_id, count(*) AS builds,
        count(*) FILTER (WHERE status = 'completed') AS completed,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_seconds)
        FILTER (WHERE status = 'completed') AS median_seconds,
        max(created_at) AS last_at
    FROM (
        SELECT project_id, platform_id, os_version_id, image_type_id, status, duration_seconds, created_at
        FROM builds
        WHERE created_at > now() - interval '30 days'
        ORDER BY created_at DESC, id DESC
        LIMIT 10000
    ) AS builds
    GROUP BY project_id, platform_id, os_version_id, image_type_id
) AS recent
JOIN platforms ON platforms.id = recent.platform_id
JOIN os_versions ON os_versions.id = recent.os_version_id
JOIN image_types ON image_types.id = recent.image_type_id
LEFT JOIN projects ON projects.id = recent.project_id
WHERE 'unknown' NOT IN (os_versions.name, image_types.name)
ORDER BY recent.failed DESC, recent.builds DESC, platforms.name, os_versions.name, image_types.name, projects.name
