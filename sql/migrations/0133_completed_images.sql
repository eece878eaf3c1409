-- Every image of which there is a completed build, pull requests left out, with its names. It reads
-- one entry of idx_builds_images for each image. `platform_id` is that of its builds, and
-- `image_platform_id` is what they count for where they state none. No project is the nil id.

CREATE VIEW completed_images AS
WITH RECURSIVE combinations AS (
    (
        SELECT
            coalesce(project_id, '00000000-0000-0000-0000-000000000000') AS project_id, platform_id,
            os_version_id, image_type_id
        FROM builds WHERE status = 'completed' AND pull_request IS NULL
        ORDER BY
            coalesce(project_id, '00000000-0000-0000-0000-000000000000'), platform_id, os_version_id,
            image_type_id
        LIMIT 1
    )
    UNION ALL
    SELECT next.*
    FROM combinations
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
                combinations.project_id, combinations.platform_id,
                combinations.os_version_id, combinations.image_type_id
            )
            AND builds.status = 'completed' AND builds.pull_request IS NULL
        ORDER BY
            coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000'), builds.platform_id,
            builds.os_version_id, builds.image_type_id
        LIMIT 1
    ) AS next
)
SELECT
    combinations.project_id, combinations.platform_id, combinations.os_version_id,
    combinations.image_type_id, platforms.id AS image_platform_id, projects.name AS project,
    platforms.name AS platform, os_versions.name AS os_version, image_types.name AS image_type,
    platforms.id <> own.id AS is_resolved,
    'unknown' NOT IN (
        coalesce(projects.name, ''), platforms.name, os_versions.name, image_types.name
    ) AS is_named,
    EXISTS (
        SELECT FROM confirmed_images AS confirmed
        WHERE
            coalesce(confirmed.project_id, '00000000-0000-0000-0000-000000000000')
            = combinations.project_id
            AND confirmed.platform_id = platforms.id
            AND confirmed.os_version_id = combinations.os_version_id
            AND confirmed.image_type_id = combinations.image_type_id
    ) AS is_confirmed
FROM combinations
JOIN platforms AS own ON own.id = combinations.platform_id
JOIN os_versions ON os_versions.id = combinations.os_version_id
JOIN image_types ON image_types.id = combinations.image_type_id
JOIN platforms ON platforms.id = CASE
    WHEN own.name = 'unknown' AND 'unknown' NOT IN (os_versions.name, image_types.name)
        THEN coalesce(
            platform_of_image(
                combinations.project_id, combinations.os_version_id, combinations.image_type_id
            ),
            own.id
        )
    ELSE own.id
END
LEFT JOIN projects ON projects.id = combinations.project_id;
