-- Failures with their builds, newest first, behind a position. `status` is open, resolved or all;
-- `by_resolution` orders by the time of resolution. `own` are the only projects that the caller sees:
-- then they are looked for among the next 10,000.
SELECT
    failures.id, builds.build_number, builds.project, builds.platform, builds.os_version,
    builds.image_type, failures.stage, failures.state, failures.attempt, failures.failure_type,
    failures.error_message, failures.masked_message, failures.component, failures.created_at, failures.resolved_at,
    failures.resolution_notes, builds.status, builds.start_time,
    builds.pull_request, builds.attempt > failures.attempt AS is_past,
    coalesce(( -- LIMIT: one lookup for each, never a scan of the table
        SELECT states.estimated FROM build_states AS states
        WHERE
            states.build_id = failures.build_id AND states.attempt = failures.attempt
            AND states.estimated
        LIMIT 1
    ), false) AS estimated
FROM (
    SELECT
        *, CASE WHEN %(by_resolution)s THEN resolved_at ELSE created_at END AS time
    FROM build_failures
    WHERE
        (
            %(status)s::text = 'all'
            OR (%(status)s = 'open' AND resolved IS NOT TRUE)
            OR (%(status)s = 'resolved' AND resolved)
        )
        AND (
            %(after_time)s::timestamptz IS NULL
            OR (created_at, id) < (%(after_time)s::timestamptz, %(after_id)s::uuid)
        )
    ORDER BY time DESC, id DESC
    LIMIT CASE WHEN %(own)s::text[] IS NULL THEN %(limit)s ELSE 10000 END
) AS failures
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = failures.build_id LIMIT 1
) AS builds
WHERE %(own)s::text[] IS NULL OR builds.project = ANY(%(own)s)
ORDER BY failures.time DESC, failures.id DESC
LIMIT %(limit)s
