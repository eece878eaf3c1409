-- Make builds' failures these rows; what people wrote about them stays.
WITH folded AS MATERIALIZED (
    SELECT *
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
        id uuid, build_id uuid, attempt integer, stage text, occurrence integer, state integer,
        failure_type text, error_message text, error_details jsonb, component text, retry_attempt
        integer, created_at timestamptz
    )
),
gone AS (
    DELETE FROM build_failures
    WHERE build_id = ANY(%(build_ids)s) AND id NOT IN (SELECT id FROM folded)
)
INSERT INTO build_failures AS old (
    id, build_id, attempt, stage, occurrence, state, failure_type, error_message, error_details,
    component, retry_attempt, created_at
)
SELECT
    folded.id, folded.build_id, folded.attempt, folded.stage, folded.occurrence, folded.state,
    folded.failure_type, folded.error_message, folded.error_details, folded.component,
    folded.retry_attempt, folded.created_at
FROM folded
LEFT JOIN build_failures AS known ON known.id = folded.id -- no row that is right already is locked
WHERE
    known.id IS NULL
    OR (
        known.stage, known.state, known.failure_type, known.error_message, known.error_details,
        known.component, known.retry_attempt, known.created_at
    ) IS DISTINCT FROM (
        folded.stage, folded.state, folded.failure_type, folded.error_message, folded.error_details,
        folded.component, folded.retry_attempt, folded.created_at
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
