-- One build by its number, or by a number that redirects to it.
SELECT
    id, build_number, project, platform, os_version, image_type, current_state, status, attempt,
    start_time, end_time, duration_seconds, created_by, run_url, commit_sha, branch, last_heard_at,
    heartbeat_at, resume_state, resumed_from, packer_manifest
FROM named_builds
WHERE
    id = (
        SELECT id FROM builds WHERE build_number = %(build_number)s
        UNION ALL
        SELECT build_id FROM build_redirects WHERE build_number = %(build_number)s
        LIMIT 1
    )
