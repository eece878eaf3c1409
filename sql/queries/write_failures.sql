-- Make a build's failures these rows; what people wrote about them stays.
WITH folded AS (
    SELECT *
    FROM jsonb_to_recordset(%(rows)s) AS folded (
        id uuid, attempt integer, stage text, occurrence integer, state integer,
        failure_type text, error_message text, error_details jsonb, component text,
        retry_attempt integer, created_at timestamptz
    )
),
gone AS (
    DELETE FROM build_failures
    WHERE build_id = %(build_id)s AND id NOT IN (SELECT id FROM folded)
)
INSERT INTO build_failures AS old (
    id, build_id, attempt, stage, occurrence, state, failure_type, error_message, error_details,
    component, retry_attempt, created_at
)
SELECT
    id, %(build_id)s, attempt, stage, occurrence, state, failure_type, error_message,
    error_details, component, retry_attempt, created_at
FROM folded
ON CONFLICT (id) DO UPDATE SET
    stage = excluded.stage,
    state = excluded.state,
    failure_type = excluded.failure_type,
    error_message = excluded.error_message,
    error_details = excluded.error_details,
    component = excluded.component,
    retry_attempt = excluded.retry_attempt,
    created_at = excluded.created_at
WHERE (
    old.stage, old.state, old.failure_type, old.error_message, old.error_details, old.component,
    old.retry_attempt, old.created_at
) IS DISTINCT FROM (
    excluded.stage, excluded.state, excluded.failure_type, excluded.error_message,
    excluded.error_details, excluded.component, excluded.retry_attempt, excluded.created_at
)
