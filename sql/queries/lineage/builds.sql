-- Builds by their ids: what tells them apart, how they stand, and latest_attempt.
SELECT
    id, build_number, project, project_id, platform, os_version, image_type, status,
    attempt AS latest_attempt, start_time, end_time,
    coalesce(CASE WHEN future THEN created_at ELSE end_time END, created_at) AS built_at
FROM named_builds
WHERE id = ANY(%(build_ids)s::uuid[])
