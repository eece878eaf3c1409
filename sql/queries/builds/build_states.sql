-- A build's states in fold order.
SELECT
    state, stage, status, attempt, retry_count, start_time, end_time, duration_seconds,
    error_message, masked_message, mapped, estimated
FROM build_states
WHERE build_id = %(build_id)s
ORDER BY place
