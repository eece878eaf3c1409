-- The failures of each of these builds, its newest 20, the newest first.
SELECT failures.*
FROM unnest(%(build_ids)s::uuid []) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT
        build_id, id, attempt, stage, state, component, failure_type,
        CASE WHEN masked_message IS NULL THEN error_message END AS error_message,
        left(masked_message, 2000) AS masked_message, created_at,
        coalesce(resolved, false) AS resolved, resolved_at, resolution_notes,
        EXISTS (
            SELECT FROM build_states AS states
            WHERE
                states.build_id = build_failures.build_id
                AND states.attempt = build_failures.attempt
                AND states.estimated
        ) AS estimated
    FROM build_failures
    WHERE build_id = wanted.id
    ORDER BY attempt DESC, created_at DESC, id DESC
    LIMIT 20
) AS failures
