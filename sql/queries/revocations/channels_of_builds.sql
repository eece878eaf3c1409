-- Where any of these builds is current: rows of named_assignments. It looks at each assignment of the
-- builds, and at the newest of its image.
SELECT named.*
FROM channel_assignments AS assignments
CROSS JOIN LATERAL (
    SELECT newest.id
    FROM channel_assignments AS newest
    WHERE
        newest.channel_id = assignments.channel_id
        AND coalesce(newest.project_id, '00000000-0000-0000-0000-000000000000')
        = coalesce(assignments.project_id, '00000000-0000-0000-0000-000000000000')
        AND newest.platform_id = assignments.platform_id
        AND newest.os_version_id = assignments.os_version_id
        AND newest.image_type_id = assignments.image_type_id
    ORDER BY newest.assigned_at DESC, newest.id DESC
    LIMIT 1
) AS current
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_assignments WHERE id = current.id LIMIT 1
) AS named
WHERE assignments.build_id = ANY(%(build_ids)s::uuid[]) AND current.id = assignments.id
ORDER BY named.channel, named.channel_project, named.project, named.platform, named.os_version
