-- Behind recent: each image with its builds, those that failed or needed another attempt, the median
-- seconds of good ones, and the seconds that failed ones took. What nobody names is no image.
SELECT
    projects.name AS project, platforms.name AS platform, os_versions.name AS os_version,
    image_types.name AS image_type, counted.*
FROM (
    SELECT
        project_id, platform_id, os_version_id, image_type_id, count(*) AS builds,
        count(*) FILTER (WHERE status = 'failed' OR attempt > 1) AS unsteady,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_seconds)
        FILTER (WHERE status = 'completed') AS median_seconds,
        coalesce(sum(duration_seconds) FILTER (WHERE status = 'failed'), 0) AS wasted_seconds
    FROM recent
    WHERE night > (SELECT last.night FROM last) - %(days)s
    GROUP BY project_id, platform_id, os_version_id, image_type_id
) AS counted
JOIN platforms ON platforms.id = counted.platform_id
JOIN os_versions ON os_versions.id = counted.os_version_id
JOIN image_types ON image_types.id = counted.image_type_id
LEFT JOIN projects ON projects.id = counted.project_id
WHERE 'unknown' NOT IN (platforms.name, os_versions.name, image_types.name)
ORDER BY projects.name, platforms.name, os_versions.name, image_types.name
