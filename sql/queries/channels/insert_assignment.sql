-- Add an assignment, later than every other one of its channel, which is locked: id, assigned_at.
INSERT INTO channel_assignments (
    id, channel_id, project_id, platform_id, os_version_id, image_type_id, build_id, attempt,
    artifacts, from_channel, note, override, assigned_by, assigned_at
)
VALUES (
    %(id)s, %(channel_id)s, %(project_id)s, %(platform_id)s, %(os_version_id)s, %(image_type_id)s,
    %(build_id)s, %(attempt)s, %(artifacts)s, %(from_channel)s, %(note)s, %(override)s,
    %(assigned_by)s,
    greatest(
        clock_timestamp(),
        (
            SELECT assigned_at + interval '1 microsecond'
            FROM channel_assignments
            WHERE channel_id = %(channel_id)s
            ORDER BY assigned_at DESC, id DESC
            LIMIT 1
        )
    )
)
RETURNING id, assigned_at
