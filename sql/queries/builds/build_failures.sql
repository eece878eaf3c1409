-- A build's failures, oldest first.
SELECT
    id, attempt, stage, state, failure_type, error_message, masked_message, error_details,
    component,
    retry_attempt, coalesce(resolved, false) AS resolved, resolution_notes, created_at,
    resolved_at
FROM build_failures
WHERE build_id = %(build_id)s
ORDER BY attempt, created_at, id
