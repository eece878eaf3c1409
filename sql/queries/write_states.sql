-- Make a build's states these rows; writes the difference only.
WITH folded AS (
    SELECT *
    FROM jsonb_to_recordset(%(rows)s) AS folded (
        id uuid, place integer, state integer, status text, start_time timestamptz,
        end_time timestamptz, duration_seconds integer, error_message text, retry_count integer,
        stage text, attempt integer, mapped boolean, estimated boolean
    )
),
gone AS (
    DELETE FROM build_states
    WHERE build_id = %(build_id)s AND id NOT IN (SELECT id FROM folded)
)
INSERT INTO build_states AS old (
    id, build_id, place, state, status, start_time, end_time, duration_seconds, error_message,
    retry_count, stage, attempt, mapped, estimated
)
SELECT
    id, %(build_id)s, place, state, status, start_time, end_time, duration_seconds, error_message,
    retry_count, stage, attempt, mapped, estimated
FROM folded
ON CONFLICT (id) DO UPDATE SET
    state = excluded.state,
    status = excluded.status,
    start_time = excluded.start_time,
    end_time = excluded.end_time,
    duration_seconds = excluded.duration_seconds,
    error_message = excluded.error_message,
    retry_count = excluded.retry_count,
    stage = excluded.stage,
    attempt = excluded.attempt,
    mapped = excluded.mapped,
    estimated = excluded.estimated
WHERE (
    old.state, old.status, old.start_time, old.end_time, old.error_message, old.retry_count,
    old.stage, old.attempt, old.mapped, old.estimated
) IS DISTINCT FROM (
    excluded.state, excluded.status, excluded.start_time, excluded.end_time,
    excluded.error_message, excluded.retry_count, excluded.stage, excluded.attempt,
    excluded.mapped, excluded.estimated
)
