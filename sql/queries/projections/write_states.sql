-- Write rows of builds' states, and remove those that are not among the kept ones.
WITH kept AS (
    SELECT * FROM jsonb_to_recordset(%(kept)s::jsonb) AS kept (build_id uuid, ids uuid[])
),
gone AS (
    DELETE FROM build_states
    WHERE build_id IN (SELECT build_id FROM kept) AND id NOT IN (SELECT unnest(ids) FROM kept)
)
INSERT INTO build_states (
    id, build_id, place, state, status, start_time, end_time, duration_seconds, error_message,
    retry_count, stage, attempt, mapped, estimated, masked_message
)
SELECT
    id, build_id, place, state, status, start_time, end_time, duration_seconds, error_message,
    retry_count, stage, attempt, mapped, estimated, masked_message
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, build_id uuid, place integer, state integer, status text, start_time timestamptz,
    end_time timestamptz, duration_seconds integer, error_message text, retry_count integer, stage
    text, attempt integer, mapped boolean, estimated boolean,
    masked_message text
)
ON CONFLICT (id) DO UPDATE SET
    state = excluded.state,
    status = excluded.status,
    start_time = excluded.start_time,
    end_time = excluded.end_time,
    duration_seconds = excluded.duration_seconds,
    error_message = excluded.error_message,
    masked_message = excluded.masked_message,
    retry_count = excluded.retry_count,
    stage = excluded.stage,
    attempt = excluded.attempt,
    mapped = excluded.mapped,
    estimated = excluded.estimated
