-- The counts of the builds of some projects, in one row: running, among the newest 10,000 that run, and
-- builds (by status) among the newest 10,000 of 24 hours; project_ids are those of the names.
WITH own AS (
    SELECT id FROM projects WHERE name = ANY(%(own)s::text[])
)

SELECT
    (SELECT coalesce(array_agg(id), '{}') FROM own) AS project_ids,
    (
        SELECT count(*)
        FROM (
            SELECT project_id FROM builds WHERE status = 'running'
            ORDER BY created_at DESC, id DESC
            LIMIT 10000
        ) AS builds
        WHERE project_id IN (SELECT id FROM own)
    ) AS running,
    (
        SELECT coalesce(jsonb_object_agg(status, count), '{}')
        FROM (
            SELECT status, count(*) AS count
            FROM (
                SELECT status, project_id
                FROM builds
                WHERE created_at > now() - interval '1 day'
                ORDER BY created_at DESC, id DESC
                LIMIT 10000
            ) AS builds
            WHERE project_id IN (SELECT id FROM own)
            GROUP BY status
        ) AS counted
    ) AS builds
