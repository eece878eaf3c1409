-- Make builds' states these rows; writes the difference only.
WITH folded AS MATERIALIZED (
    SELECT *
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
        id uuid, build_id uuid, place integer, state integer, status text, start_time timestamptz,
        end_time timestamptz, duration_seconds integer, error_message text, retry_count integer,
        stage text, attempt integer, mapped boolean, estimated boolean
    )
),
gone AS (
    DELETE FROM build_states
    WHERE build_id = ANY(%(build_ids)s) AND id NOT IN (SELECT id FROM folded)
)
INSERT INTO build_states AS old (
    id, build_id, place, state, status, start_time, end_time, duration_seconds, error_message,
    retry_count, stage, attempt, mapped, estimated
)
SELECT
    folded.id, folded.build_id, folded.place, folded.state, folded.status, folded.start_time,
    folded.end_time, folded.duration_seconds, folded.error_message, folded.retry_count,
    folded.stage, folded.attempt, folded.mapped, folded.estimated
FROM folded
LEFT JOIN build_states AS known ON known.id = folded.id -- no row that is right already is locked
WHERE
    known.id IS NULL
    OR (
        known.state, known.status, known.start_time, known.end_time, known.duration_seconds,
        known.error_message, known.retry_count, known.stage, known.attempt, known.mapped,
        known.estimated
    ) IS DISTINCT FROM (
        folded.state, folded.status, folded.start_time, folded.end_time, folded.duration_seconds,
        folded.error_message, folded.retry_count, folded.stage, folded.attempt, folded.mapped,
        folded.estimated
    )
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
