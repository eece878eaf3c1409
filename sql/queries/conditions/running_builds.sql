-- The newest running builds, at most 10,000, with their times, which tell whether they are lost.
SELECT
    id, project_id, created_at, status, start_time, last_heard_at, heartbeat_at,
    coalesce(waiting, false) AS waiting
FROM builds
WHERE status = 'running'
ORDER BY created_at DESC, id DESC
LIMIT 10000
