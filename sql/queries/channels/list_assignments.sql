-- A page of the assignments of a channel, newest first, behind a position; each other filter may be
-- null. `own` are the projects whose images the caller may see.
SELECT named.*, revocation_json(named.build_id, named.attempt, now()) AS revocation
FROM channel_assignments AS assignments
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_assignments WHERE id = assignments.id LIMIT 1
) AS named
WHERE
    assignments.channel_id = %(channel_id)s
    AND (%(own)s::text[] IS NULL OR named.project = ANY(%(own)s))
    AND (%(project)s::text IS NULL OR named.project = %(project)s)
    AND (%(platform)s::text IS NULL OR named.platform = %(platform)s)
    AND (%(os_version)s::text IS NULL OR named.os_version = %(os_version)s)
    AND (%(image_type)s::text IS NULL OR named.image_type = %(image_type)s)
    AND (
        %(after_time)s::timestamptz IS NULL
        OR (assignments.assigned_at, assignments.id) < (%(after_time)s::timestamptz, %(after_id)s::uuid)
    )
ORDER BY assignments.assigned_at DESC, assignments.id DESC
LIMIT %(limit)s
