-- Behind matching_builds: how many of them have each value of each facet, at most 30 values of each:
-- facet, value, count. `judged` has the condition of running builds by their id.
SELECT facet, value, count
FROM (
    SELECT
        counted.*, row_number() OVER (PARTITION BY facet ORDER BY count DESC, value) AS place
    FROM (
        SELECT
            CASE
                WHEN grouping(counted) = 0 THEN 'status'
                WHEN grouping(condition) = 0 THEN 'condition'
                WHEN grouping(project) = 0 THEN 'project'
                WHEN grouping(platform) = 0 THEN 'platform'
                WHEN grouping(os_version) = 0 THEN 'os_version'
                ELSE 'image_type'
            END AS facet,
            coalesce(counted, condition, project, platform, os_version, image_type) AS value,
            count(*) AS count
        FROM (
            SELECT
                matching.*, %(judged)s::jsonb ->> id::text AS condition,
                CASE WHEN id = ANY(%(lost)s::uuid []) THEN 'failed' ELSE status END AS counted
            FROM matching
        ) AS matching
        GROUP BY GROUPING SETS (
            (counted), (condition), (project), (platform), (os_version), (image_type)
        )
    ) AS counted
    WHERE value IS NOT NULL
) AS ranked
WHERE place <= 30
ORDER BY facet, count DESC, value
