-- The view with the columns of 0064, added at its end.

CREATE OR REPLACE VIEW named_builds AS
SELECT
    builds.id, builds.build_number, projects.name AS project, platforms.name AS platform,
    os_versions.name AS os_version, image_types.name AS image_type, builds.current_state,
    builds.status, builds.attempt, builds.start_time, builds.end_time, builds.duration_seconds,
    builds.created_by, builds.run_url, builds.commit_sha, builds.branch, builds.resume_state,
    builds.resumed_from, builds.packer_manifest, builds.created_at, builds.last_heard_at,
    builds.heartbeat_at, platforms.cloud_provider, os_versions.major_version,
    os_versions.minor_version, builds.project_id, builds.platform_id, builds.os_version_id,
    builds.image_type_id, builds.default_branch, builds.pull_request, builds.conflict,
    builds.inferred, builds.unstable, builds.future, builds.estimated
FROM builds
JOIN platforms ON platforms.id = builds.platform_id
JOIN os_versions ON os_versions.id = builds.os_version_id
JOIN image_types ON image_types.id = builds.image_type_id
LEFT JOIN projects ON projects.id = builds.project_id;
