-- Write what the fold says of the build itself.
UPDATE builds
SET
    project_id = %(project_id)s,
    platform_id = %(platform_id)s,
    os_version_id = %(os_version_id)s,
    image_type_id = %(image_type_id)s,
    current_state = %(current_state)s,
    status = %(status)s,
    attempt = %(attempt)s,
    start_time = %(start_time)s,
    end_time = %(end_time)s,
    duration_seconds = %(duration_seconds)s,
    created_by = %(created_by)s,
    run_url = %(run_url)s,
    commit_sha = %(commit)s,
    branch = %(branch)s,
    resume_state = %(resume_state)s,
    resumed_from = %(resumed_from)s,
    last_heard_at = GREATEST(last_heard_at, %(heard_at)s),
    updated_at = now()
WHERE id = %(build_id)s
