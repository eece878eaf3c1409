-- The newest unresolved failures with their builds, at most 20.
SELECT
    builds.build_number, build_failures.stage, build_failures.state, build_failures.attempt,
    build_failures.failure_type, build_failures.error_message, build_failures.component,
    build_failures.created_at
FROM build_failures
JOIN builds ON builds.id = build_failures.build_id
WHERE build_failures.resolved IS NOT TRUE AND builds.status IN ('failed', 'running')
ORDER BY build_failures.created_at DESC
LIMIT 20
