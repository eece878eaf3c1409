-- Failures by stage and night, of the newest 5,000 since the first night: stage, night (its place from
-- 1), count. `starts` are the beginnings of the nights. Failures of pull requests are left out.
SELECT coalesce(failures.stage, 'build') AS stage, failures.night, count(*) AS count
FROM (
    SELECT
        stage, build_id,
        width_bucket(created_at, %(starts)s::timestamptz []) AS night
    FROM build_failures
    WHERE created_at >= (%(starts)s::timestamptz []) [1] AND created_at < %(end)s
    ORDER BY created_at DESC, id DESC
    LIMIT 5000
) AS failures
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT project_id, pull_request FROM builds WHERE id = failures.build_id LIMIT 1
) AS builds
LEFT JOIN projects ON projects.id = builds.project_id
WHERE
    builds.pull_request IS NULL
    AND (%(projects)s::text [] IS NULL OR projects.name = ANY(%(projects)s))
GROUP BY 1, 2
ORDER BY 1, 2
