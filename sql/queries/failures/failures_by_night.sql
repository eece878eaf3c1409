-- Behind hours/calendar.sql: failures by stage and night, of the newest 5,000 since the first night:
-- stage, night (its place from 1), count. A failure is of the night in which its build began. Those of
-- pull requests are left out.
SELECT coalesce(failures.stage, 'build') AS stage, placed.night, count(*) AS count
FROM (
    SELECT stage, build_id, created_at
    FROM build_failures
    WHERE created_at >= %(since)s
    ORDER BY created_at DESC, id DESC
    LIMIT 5000
) AS failures
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT project_id, pull_request, start_time FROM builds WHERE id = failures.build_id LIMIT 1
) AS builds
LEFT JOIN projects ON projects.id = builds.project_id
LEFT JOIN windows ON windows.name = projects.name
CROSS JOIN LATERAL (
    SELECT
        width_bucket(
            coalesce(builds.start_time, failures.created_at),
            coalesce(windows.starts, (SELECT calendar.starts FROM calendar WHERE calendar.place = 1))
        ) AS night
) AS placed
WHERE
    placed.night > 0
    AND builds.pull_request IS NULL
    AND (%(projects)s::text [] IS NULL OR projects.name = ANY(%(projects)s))
GROUP BY 1, 2
ORDER BY 1, 2
