-- Counts and median durations of each combination in 30 days, of the newest 10,000 builds. What
-- nobody names is no combination; a build that states no platform is of the only one of its image.
WITH newest AS (
    SELECT
        id, project_id, platform_id, os_version_id, image_type_id, status, duration_seconds, created_at
    FROM builds
    WHERE created_at > now() - interval '30 days'
    ORDER BY created_at DESC, id DESC
    LIMIT 10000
),

resolved AS (
    SELECT
        without.project_id, without.platform_id, without.os_version_id, without.image_type_id,
        platform_of_image(without.project_id, without.os_version_id, without.image_type_id) AS only_id
    FROM (
        SELECT DISTINCT newest.project_id, newest.platform_id, newest.os_version_id, newest.image_type_id
        FROM newest
        JOIN platforms ON platforms.id = newest.platform_id
        WHERE platforms.name = 'unknown'
    ) AS without
),

recent AS (
    SELECT
        newest.project_id, coalesce(resolved.only_id, newest.platform_id) AS platform_id,
        newest.os_version_id, newest.image_type_id, count(*) AS builds,
        count(*) FILTER (WHERE status = 'completed') AS completed,
        count(*) FILTER (WHERE status = 'failed' OR id = ANY(%(lost)s::uuid [])) AS failed,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_seconds)
        FILTER (WHERE status = 'completed') AS median_seconds,
        max(created_at) AS last_at
    FROM newest
    LEFT JOIN resolved ON
        resolved.project_id IS NOT DISTINCT FROM newest.project_id
        AND resolved.platform_id = newest.platform_id
        AND resolved.os_version_id = newest.os_version_id
        AND resolved.image_type_id = newest.image_type_id
    GROUP BY 1, 2, 3, 4
)
SELECT
    projects.name AS project, platforms.name AS platform, os_versions.name AS os_version,
    image_types.name AS image_type, recent.builds, recent.completed, recent.failed, recent.cancelled,
    recent.median_seconds, recent.last_at
FROM recent
JOIN platforms ON platforms.id = recent.platform_id
JOIN os_versions ON os_versions.id = recent.os_version_id
JOIN image_types ON image_types.id = recent.image_type_id
LEFT JOIN projects ON projects.id = recent.project_id
WHERE 'unknown' NOT IN (os_versions.name, image_types.name)
ORDER BY recent.failed DESC, recent.builds DESC, platforms.name, os_versions.name, image_types.name, projects.name
