-- The newest open failure of each of these builds.
SELECT DISTINCT ON (build_id)
    build_id, id, stage, state, component, failure_type, error_message, masked_message,
    created_at
FROM build_failures
WHERE build_id = ANY(%(build_ids)s) AND resolved IS NOT TRUE
ORDER BY build_id, attempt DESC, created_at DESC, id DESC
