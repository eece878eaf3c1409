-- One build by its number, or by a number that redirects to it.
SELECT
    id, build_number, project, platform, os_version, image_type, current_state, status, attempt,
    start_time, end_time, duration_seconds, created_by, run_url, commit_sha, branch, last_heard_at,
    heartbeat_at, resume_state, resumed_from, packer_manifest, default_branch, pull_request, conflict,
    inferred, coalesce(unstable, false) AS unstable, coalesce(future, false) AS future,
    coalesce(estimated, false) AS estimated,
    (SELECT coalesce(own.unchanged, false) FROM builds AS own WHERE own.id = named_builds.id) AS unchanged,
    EXISTS (
        SELECT FROM confirmed_images AS confirmed
        WHERE
            coalesce(confirmed.project_id, '00000000-0000-0000-0000-000000000000')
            = coalesce(named_builds.project_id, '00000000-0000-0000-0000-000000000000')
            AND confirmed.platform_id = named_builds.platform_id
            AND confirmed.os_version_id = named_builds.os_version_id
            AND confirmed.image_type_id = named_builds.image_type_id
    ) AS confirmed,
    revocation_json(id, attempt, now()) AS revocation
FROM named_builds
WHERE
    id = (
        SELECT id FROM builds WHERE build_number = %(build_number)s
        UNION ALL
        SELECT build_id FROM build_redirects WHERE build_number = %(build_number)s
        LIMIT 1
    )
