-- What a channel held of an image before, newest first and each build once, among its last 100
-- assignments: rows of named_assignments with their `revocation`.
SELECT named.*, revocation_json(named.build_id, named.attempt, now()) AS revocation
FROM (
    SELECT DISTINCT ON (recent.build_id) recent.id, recent.assigned_at
    FROM (
        SELECT id, build_id, assigned_at
        FROM channel_assignments AS assigned
        WHERE
            assigned.channel_id = %(channel_id)s
            AND coalesce(assigned.project_id, '00000000-0000-0000-0000-000000000000')
            = coalesce(%(project_id)s::uuid, '00000000-0000-0000-0000-000000000000')
            AND assigned.platform_id = %(platform_id)s
            AND assigned.os_version_id = %(os_version_id)s
            AND assigned.image_type_id = %(image_type_id)s
        ORDER BY assigned.assigned_at DESC, assigned.id DESC
        LIMIT 100
    ) AS recent
    WHERE recent.build_id IS NOT NULL AND recent.build_id IS DISTINCT FROM %(build_id)s::uuid
    ORDER BY recent.build_id, recent.assigned_at DESC, recent.id DESC
) AS earlier
CROSS JOIN LATERAL (
    SELECT * FROM named_assignments WHERE id = earlier.id LIMIT 1
) AS named
ORDER BY earlier.assigned_at DESC
