-- Write rows of builds' failures, and remove those that are not among the kept ones; what people
-- wrote about a failure stays.
WITH kept AS (
    SELECT * FROM jsonb_to_recordset(%(kept)s::jsonb) AS kept (build_id uuid, ids uuid[])
),
gone AS (
    DELETE FROM build_failures
    WHERE build_id IN (SELECT build_id FROM kept) AND id NOT IN (SELECT unnest(ids) FROM kept)
)
INSERT INTO build_failures (
    id, build_id, attempt, stage, occurrence, state, failure_type, error_message, error_details,
    component, retry_attempt, created_at, masked_message
)
SELECT
    id, build_id, attempt, stage, occurrence, state, failure_type, error_message, error_details,
    component, retry_attempt, created_at, masked_message
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, build_id uuid, attempt integer, stage text, occurrence integer, state integer,
    failure_type text, error_message text, error_details jsonb, component text, retry_attempt
    integer, created_at timestamptz, masked_message text
)
ON CONFLICT (id) DO UPDATE SET
    stage = excluded.stage,
    state = excluded.state,
    failure_type = excluded.failure_type,
    error_message = excluded.error_message,
    masked_message = excluded.masked_message,
    error_details = excluded.error_details,
    component = excluded.component,
    retry_attempt = excluded.retry_attempt,
    created_at = excluded.created_at
