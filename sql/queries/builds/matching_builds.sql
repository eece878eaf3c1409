-- The builds that match, of the next 10,000 behind a position, as `matching`; each filter may be null.
-- `lost` are builds that count as failed; `ids` are those of a condition.
-- What follows is list_matching or count_matching.
WITH RECURSIVE tree AS (
    SELECT id, 0 AS depth FROM projects WHERE name = ANY(%(projects)s)
    UNION
    SELECT child.id, tree.depth + 1
    FROM projects AS child
    JOIN tree ON child.parent_project_id = tree.id
    WHERE tree.depth < 32
),
near AS MATERIALIZED (
    SELECT
        id, created_at, build_number, project_id, platform_id, os_version_id, image_type_id,
        current_state, status, attempt, start_time, end_time, duration_seconds, created_by,
        resume_state, resumed_from, last_heard_at, heartbeat_at, commit_sha, branch,
        inferred, estimated, unchanged
    FROM builds
    WHERE
        %(after_time)s::timestamptz IS NULL
        OR (created_at, id) < (%(after_time)s::timestamptz, %(after_id)s::uuid)
    ORDER BY created_at DESC, id DESC
    LIMIT 10000
),

unstated AS MATERIALIZED ( -- images of builds that state no platform, with that of their others
    SELECT
        images.*,
        platform_of_image(images.project_id, images.os_version_id, images.image_type_id)
        AS platform_id
    FROM (
        SELECT DISTINCT near.project_id, near.os_version_id, near.image_type_id
        FROM near
        JOIN platforms ON platforms.id = near.platform_id AND platforms.name = 'unknown'
        JOIN os_versions ON os_versions.id = near.os_version_id AND os_versions.name <> 'unknown'
        JOIN image_types ON image_types.id = near.image_type_id AND image_types.name <> 'unknown'
    ) AS images
),

matching AS (
    SELECT
        near.id, near.created_at, near.build_number, projects.name AS project,
        platforms.name AS platform, os_versions.name AS os_version, image_types.name AS image_type,
        near.current_state, near.status, near.attempt, near.start_time, near.end_time,
        near.duration_seconds, near.created_by, near.resume_state, near.resumed_from, near.last_heard_at,
        near.heartbeat_at, near.commit_sha, near.branch,
        with_resolved(near.inferred, platforms.id <> own.id) AS inferred,
        coalesce(near.estimated, false) AS estimated, coalesce(near.unchanged, false) AS unchanged
    FROM near
    JOIN platforms AS own ON own.id = near.platform_id
    LEFT JOIN unstated
        ON own.name = 'unknown'
        AND unstated.project_id IS NOT DISTINCT FROM near.project_id
        AND unstated.os_version_id = near.os_version_id
        AND unstated.image_type_id = near.image_type_id
    JOIN platforms ON platforms.id = coalesce(unstated.platform_id, near.platform_id)
    JOIN os_versions ON os_versions.id = near.os_version_id
    JOIN image_types ON image_types.id = near.image_type_id
    LEFT JOIN projects ON projects.id = near.project_id
    WHERE
        (%(projects)s::text[] IS NULL OR near.project_id IN (SELECT id FROM tree))
        AND (%(platform)s::text IS NULL OR platforms.name = %(platform)s)
        AND (%(os_version)s::text IS NULL OR os_versions.name = %(os_version)s)
        AND (%(image_type)s::text IS NULL OR image_types.name = %(image_type)s)
        AND (
            %(status)s::text IS NULL
            OR %(status)s = CASE
                WHEN near.id = ANY(%(lost)s::uuid []) THEN 'failed' ELSE near.status
            END
        )
        AND (%(ids)s::uuid [] IS NULL OR near.id = ANY(%(ids)s::uuid []))
        AND near.current_state BETWEEN %(low)s AND %(high)s
        AND (%(since)s::timestamptz IS NULL OR coalesce(near.start_time, near.created_at) >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR coalesce(near.start_time, near.created_at) <= %(until)s)
        AND (
            %(text)s::text IS NULL
            OR strpos(lower(near.build_number), lower(%(text)s)) > 0
            OR strpos(lower(near.branch), lower(%(text)s)) > 0
            OR starts_with(near.commit_sha, lower(%(text)s))
        )
)

