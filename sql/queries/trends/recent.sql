-- Behind hours/calendar.sql: the newest 10,000 builds that ended since the first night, as `recent`;
-- those of pull requests are left out, and the `lost` ones are failed. Of one `platform`, unless it is
-- null. `night` is the place of a build's night from 1, and `last` that of the last night: the one
-- `shown`, or a later one that has builds. Those `days` before it or earlier are for comparison alone.
-- What follows is nights, images, stages or weeks.
, recent AS MATERIALIZED (
    SELECT
        newest.id, newest.project_id, newest.platform_id, newest.os_version_id,
        newest.image_type_id, newest.attempt,
        CASE WHEN newest.is_lost THEN 'failed' ELSE newest.status END AS status, newest.duration_seconds,
        width_bucket(
            coalesce(newest.start_time, newest.created_at),
            coalesce(windows.starts, (SELECT calendar.starts FROM calendar WHERE calendar.place = 1))
        ) AS night
    FROM (
        SELECT *, id = ANY(%(lost)s::uuid []) AS is_lost
        FROM builds
        WHERE created_at >= %(since)s
        ORDER BY created_at DESC, id DESC
        LIMIT 10000
    ) AS newest
    JOIN platforms ON platforms.id = newest.platform_id
    LEFT JOIN projects ON projects.id = newest.project_id
    LEFT JOIN windows ON windows.name = projects.name
    WHERE
        newest.pull_request IS NULL
        AND (newest.status IN ('completed', 'failed') OR newest.is_lost)
        AND (%(platform)s::text IS NULL OR platforms.name = %(platform)s)
        AND (%(projects)s::text [] IS NULL OR projects.name = ANY(%(projects)s))
),

last AS MATERIALIZED (
    SELECT greatest(%(shown)s, max(recent.night)) AS night FROM recent
)

