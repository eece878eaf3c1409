-- The latest build of every combination that counts, among its last 100: of a served branch, and one
-- that ran. A build of a pull request, or a job that was skipped, leaves the build before in its place.
WITH latest AS (
    SELECT counting.id
    FROM built_images() AS combinations
    LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
        project_id uuid, branches text [], unstable_counts boolean
    ) ON rules.project_id = combinations.project_id
    CROSS JOIN LATERAL (
        SELECT recent.id
        FROM (
            SELECT id, branch, default_branch, pull_request, status, start_time, end_time
            FROM builds
            WHERE
                coalesce(project_id, '00000000-0000-0000-0000-000000000000') = combinations.project_id
                AND platform_id = combinations.platform_id
                AND os_version_id = combinations.os_version_id
                AND image_type_id = combinations.image_type_id
            ORDER BY created_at DESC, id DESC
            LIMIT 100
        ) AS recent
        WHERE
            is_of_served_branch(
                recent.branch, recent.default_branch, recent.pull_request, rules.branches
            )
            AND (recent.status <> 'cancelled' OR recent.start_time < recent.end_time)
        LIMIT 1
    ) AS counting
)
SELECT
    builds.id, builds.build_number, builds.project, builds.platform, builds.cloud_provider,
    builds.os_version, builds.image_type, builds.current_state, builds.status, builds.attempt,
    builds.start_time, builds.end_time, builds.duration_seconds, builds.created_at,
    builds.last_heard_at, builds.heartbeat_at, builds.inferred,
    coalesce(builds.estimated, false) AS estimated, artifact.artifact_id, artifact.region
FROM latest
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = latest.id LIMIT 1
) AS builds
LEFT JOIN LATERAL (
    SELECT artifact_id, region FROM artifacts WHERE build_id = builds.id ORDER BY place DESC LIMIT 1
) AS artifact ON true
ORDER BY
    builds.platform, builds.major_version, builds.minor_version, builds.os_version,
    builds.image_type, builds.project, artifact.region
