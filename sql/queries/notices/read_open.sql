-- News that is not told yet, the oldest first: its columns, and whether the run of its build is over:
-- one of several builds, none of which is pending or running.
SELECT
    notices.id, notices.notice, notices.type, notices.at, notices.created_at, notices.window_at,
    notices.is_late, notices.build_id, notices.attempt, notices.project_id, notices.subject,
    notices.facts, notices.status, notices.reason, coalesce(run.is_over, false) AS run_over
FROM notices
LEFT JOIN LATERAL (
    SELECT count(*) > 1 AND bool_and(builds.status NOT IN ('pending', 'running')) AS is_over
    FROM (
        SELECT DISTINCT others.build_id
        FROM run_keys AS own
        JOIN run_keys AS others ON others.run_group = own.run_group
        WHERE own.build_id = notices.build_id
        LIMIT 1000
    ) AS run
    JOIN builds ON builds.id = run.build_id
) AS run ON true
WHERE notices.status IN ('waiting', 'held')
ORDER BY notices.created_at, notices.id
LIMIT %(limit)s
