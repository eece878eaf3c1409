-- What is current in these channels, or was `at` a moment, for each image: a row of named_assignments
-- with its `revocation` by then. An image that was taken out has no row. It reads one entry of
-- idx_channel_assignments_image for each image, however long the history is.
WITH RECURSIVE images AS (
    SELECT first.*
    FROM unnest(%(channel_ids)s::uuid[]) AS wanted (channel_id)
    CROSS JOIN LATERAL (
        SELECT
            channel_id,
            coalesce(project_id, '00000000-0000-0000-0000-000000000000') AS project_id, platform_id,
            os_version_id, image_type_id
        FROM channel_assignments
        WHERE channel_assignments.channel_id = wanted.channel_id
        ORDER BY
            channel_id, coalesce(project_id, '00000000-0000-0000-0000-000000000000'), platform_id,
            os_version_id, image_type_id
        LIMIT 1
    ) AS first
    UNION ALL
    SELECT next.*
    FROM images
    CROSS JOIN LATERAL (
        SELECT
            channel_id, coalesce(project_id, '00000000-0000-0000-0000-000000000000'), platform_id,
            os_version_id, image_type_id
        FROM channel_assignments
        WHERE
            channel_assignments.channel_id = images.channel_id
            AND (
                coalesce(project_id, '00000000-0000-0000-0000-000000000000'), platform_id,
                os_version_id, image_type_id
            ) > (
                images.project_id, images.platform_id, images.os_version_id, images.image_type_id
            )
        ORDER BY
            channel_id, coalesce(project_id, '00000000-0000-0000-0000-000000000000'), platform_id,
            os_version_id, image_type_id
        LIMIT 1
    ) AS next
)

SELECT
    named.*, revocation_json(
        named.build_id, named.attempt, coalesce(%(at)s::timestamptz, now())
    ) AS revocation
FROM images
CROSS JOIN LATERAL (
    SELECT id
    FROM channel_assignments AS assigned
    WHERE
        assigned.channel_id = images.channel_id
        AND coalesce(assigned.project_id, '00000000-0000-0000-0000-000000000000') = images.project_id
        AND assigned.platform_id = images.platform_id
        AND assigned.os_version_id = images.os_version_id
        AND assigned.image_type_id = images.image_type_id
        AND (%(at)s::timestamptz IS NULL OR assigned.assigned_at <= %(at)s)
    ORDER BY assigned.assigned_at DESC, assigned.id DESC
    LIMIT 1
) AS current
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_assignments WHERE id = current.id LIMIT 1
) AS named
WHERE
    named.build_id IS NOT NULL
    AND (%(project)s::text IS NULL OR named.project = %(project)s)
    AND (%(platform)s::text IS NULL OR named.platform = %(platform)s)
    AND (%(os_version)s::text IS NULL OR named.os_version = %(os_version)s)
    AND (%(image_type)s::text IS NULL OR named.image_type = %(image_type)s)
ORDER BY named.channel, named.project NULLS FIRST, named.platform, named.os_version, named.image_type
