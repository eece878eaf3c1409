-- A page of builds, newest first, from behind a position on; of one project and those below it.
WITH RECURSIVE tree AS (
    SELECT id FROM projects WHERE name = %(project)s
    UNION
    SELECT child.id FROM projects AS child JOIN tree ON child.parent_project_id = tree.id
)
SELECT
    builds.id, builds.created_at, builds.build_number, projects.name AS project,
    platforms.name AS platform, os_versions.name AS os_version, image_types.name AS image_type,
    builds.current_state, builds.status, builds.attempt, builds.start_time, builds.end_time,
    builds.duration_seconds, builds.created_by, builds.resume_state, builds.resumed_from, builds.last_heard_at, builds.heartbeat_at
FROM builds
JOIN platforms ON platforms.id = builds.platform_id
JOIN os_versions ON os_versions.id = builds.os_version_id
JOIN image_types ON image_types.id = builds.image_type_id
LEFT JOIN projects ON projects.id = builds.project_id
WHERE
    (
        %(created_at)s::timestamptz IS NULL
        OR (builds.created_at, builds.id) < (%(created_at)s::timestamptz, %(id)s::uuid)
    )
    AND (%(project)s::text IS NULL OR builds.project_id IN (SELECT id FROM tree))
ORDER BY builds.created_at DESC, builds.id DESC
LIMIT %(limit)s
