-- Of children and what each was built on, those whose base was in channels when the child began and
-- is in none of these any more: child_id, parent_id, parent_attempt.
SELECT edges.child_id, edges.parent_id, edges.parent_attempt
FROM jsonb_to_recordset(%(edges)s::jsonb) AS edges (
    child_id uuid, parent_id uuid, parent_attempt integer
)
JOIN builds AS children ON children.id = edges.child_id
CROSS JOIN LATERAL (
    SELECT
        bool_or(
            later.build_id = edges.parent_id AND later.attempt = edges.parent_attempt
        ) AS is_held
    FROM channel_assignments AS held
    CROSS JOIN LATERAL (
        SELECT newest.build_id, newest.attempt
        FROM channel_assignments AS newest
        WHERE
            newest.channel_id = held.channel_id
            AND coalesce(newest.project_id, '00000000-0000-0000-0000-000000000000')
            = coalesce(held.project_id, '00000000-0000-0000-0000-000000000000')
            AND newest.platform_id = held.platform_id
            AND newest.os_version_id = held.os_version_id
            AND newest.image_type_id = held.image_type_id
        ORDER BY newest.assigned_at DESC, newest.id DESC
        LIMIT 1
    ) AS later
    WHERE
        held.build_id = edges.parent_id
        AND held.attempt = edges.parent_attempt
        AND held.assigned_at <= children.start_time
        AND NOT EXISTS (
            SELECT FROM channel_assignments AS next
            WHERE
                next.channel_id = held.channel_id
                AND coalesce(next.project_id, '00000000-0000-0000-0000-000000000000')
                = coalesce(held.project_id, '00000000-0000-0000-0000-000000000000')
                AND next.platform_id = held.platform_id
                AND next.os_version_id = held.os_version_id
                AND next.image_type_id = held.image_type_id
                AND (next.assigned_at, next.id) > (held.assigned_at, held.id)
                AND next.assigned_at <= children.start_time
        )
) AS channels
WHERE NOT channels.is_held
