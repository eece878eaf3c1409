-- These builds as the cells of the overview, by their images: each with its last artifact.
SELECT
    builds.id, builds.build_number, builds.project, builds.platform, builds.cloud_provider,
    builds.os_version, builds.image_type, builds.current_state, builds.status, builds.attempt,
    builds.start_time, builds.end_time, builds.duration_seconds, builds.created_at,
    builds.last_heard_at, builds.heartbeat_at, builds.inferred,
    coalesce(builds.estimated, false) AS estimated, artifact.artifact_id, artifact.region
FROM unnest(%(ids)s::uuid []) AS wanted (id)
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = wanted.id LIMIT 1
) AS builds
LEFT JOIN LATERAL (
    SELECT artifact_id, region FROM artifacts WHERE build_id = builds.id ORDER BY place DESC LIMIT 1
) AS artifact ON true
ORDER BY
    builds.platform, builds.major_version, builds.minor_version, builds.os_version,
    builds.image_type, builds.project, artifact.region
