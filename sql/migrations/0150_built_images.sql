-- Every image that was built, by the ids of its names: one lookup in idx_builds_latest for each, however
-- long the history is. No project is the nil id.

CREATE FUNCTION built_images() RETURNS TABLE (
    project_id uuid, platform_id uuid, os_version_id uuid, image_type_id uuid
) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE images AS (
        (
            SELECT
                coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000') AS project_id,
                builds.platform_id, builds.os_version_id, builds.image_type_id
            FROM builds
            ORDER BY
                coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000'),
                builds.platform_id, builds.os_version_id, builds.image_type_id
            LIMIT 1
        )
        UNION ALL
        SELECT next.*
        FROM images
        CROSS JOIN LATERAL (
            SELECT
                coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000'),
                builds.platform_id, builds.os_version_id, builds.image_type_id
            FROM builds
            WHERE
                (
                    coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000'),
                    builds.platform_id, builds.os_version_id, builds.image_type_id
                ) > (
                    images.project_id, images.platform_id, images.os_version_id, images.image_type_id
                )
            ORDER BY
                coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000'),
                builds.platform_id, builds.os_version_id, builds.image_type_id
            LIMIT 1
        ) AS next
    )
    SELECT images.project_id, images.platform_id, images.os_version_id, images.image_type_id
    FROM images
$$;
