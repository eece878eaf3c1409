-- Write rows of builds' failures, and remove those that are not among the kept ones; what people
-- wrote about a failure stays.
WITH gone AS (
    DELETE FROM build_failures
    USING jsonb_to_recordset(%(kept)s::jsonb) AS kept (build_id uuid, ids uuid[])
    WHERE build_failures.build_id = kept.build_id AND build_failures.id <> ALL(kept.ids)
)
INSERT INTO build_failures (
    id, build_id, attempt, stage, occurrence, state, failure_type, error_message, error_details,
    component, retry_attempt, created_at
)
SELECT
    id, build_id, attempt, stage, occurrence, state, failure_type, error_message, error_details,
    component, retry_attempt, created_at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, build_id uuid, attempt integer, stage text, occurrence integer, state integer,
    failure_type text, error_message text, error_details jsonb, component text, retry_attempt
    integer, created_at timestamptz
)
ON CONFLICT (id) DO UPDATE SET
    stage = excluded.stage,
    state = excluded.state,
    failure_type = excluded.failure_type,
    error_message = excluded.error_message,
    error_details = excluded.error_details,
    component = excluded.component,
    retry_attempt = excluded.retry_attempt,
    created_at = excluded.created_at
