-- What is known of when each image is built: a row for each, with its last 8 good builds that are
-- served, the newest first, among its last 100, as arrays. `last_*` is the newest build that began,
-- whatever its end, of those that count.
WITH images AS MATERIALIZED (
    SELECT
        built.*, projects.name AS project, platforms.name AS platform,
        os_versions.name AS os_version, image_types.name AS image_type,
        platforms.id <> own.id AS is_resolved,
        EXISTS (
            SELECT FROM confirmed_images AS confirmed
            WHERE
                coalesce(confirmed.project_id, '00000000-0000-0000-0000-000000000000')
                = built.project_id
                AND confirmed.platform_id = platforms.id
                AND confirmed.os_version_id = built.os_version_id
                AND confirmed.image_type_id = built.image_type_id
        ) AS is_confirmed
    FROM built_images() AS built
    JOIN platforms AS own ON own.id = built.platform_id
    JOIN os_versions ON os_versions.id = built.os_version_id AND os_versions.name <> 'unknown'
    JOIN image_types ON image_types.id = built.image_type_id AND image_types.name <> 'unknown'
    JOIN platforms ON platforms.id = CASE
        WHEN own.name = 'unknown'
            THEN coalesce(
                platform_of_image(built.project_id, built.os_version_id, built.image_type_id), own.id
            )
        ELSE own.id
    END
    LEFT JOIN projects ON projects.id = built.project_id
    WHERE
        platforms.name <> 'unknown'
        AND (%(own)s::text [] IS NULL OR projects.name = ANY(%(own)s))
        AND (%(project)s::text IS NULL OR projects.name = %(project)s)
        AND (%(platform)s::text IS NULL OR platforms.name = %(platform)s)
        AND (%(os_version)s::text IS NULL OR os_versions.name = %(os_version)s)
        AND (%(image_type)s::text IS NULL OR image_types.name = %(image_type)s)
)

SELECT
    images.project, images.platform, images.os_version, images.image_type, images.project_id,
    (
        SELECT builds.created_at
        FROM builds
        WHERE
            coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
            = images.project_id
            AND builds.platform_id = images.platform_id
            AND builds.os_version_id = images.os_version_id
            AND builds.image_type_id = images.image_type_id
        ORDER BY builds.created_at, builds.id
        LIMIT 1
    ) AS first_at,
    last.began_at AS last_began_at, last.build_number AS last_number,
    good.*
FROM images
LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
    project_id uuid, branches text [], unstable_counts boolean
) ON rules.project_id = images.project_id
LEFT JOIN LATERAL (
    SELECT counting.began_at, counting.build_number
    FROM (
        SELECT
            recent.id, recent.build_number, coalesce(recent.start_time, recent.created_at) AS began_at
        FROM (
            SELECT
                id, build_number, branch, default_branch, pull_request, status, start_time, end_time,
                created_at
            FROM builds
            WHERE
                coalesce(project_id, '00000000-0000-0000-0000-000000000000') = images.project_id
                AND platform_id = images.platform_id
                AND os_version_id = images.os_version_id
                AND image_type_id = images.image_type_id
            ORDER BY created_at DESC, id DESC
            LIMIT 100
        ) AS recent
        WHERE
            is_of_served_branch(
                recent.branch, recent.default_branch, recent.pull_request, rules.branches
            )
            AND recent.status <> 'pending'
            AND (recent.status <> 'cancelled' OR recent.start_time < recent.end_time)
        LIMIT 5 -- the newest to be heard of: one that came late began before
    ) AS counting
    ORDER BY counting.began_at DESC, counting.id DESC
    LIMIT 1
) AS last ON true
CROSS JOIN LATERAL (
    SELECT
        array_agg(served.id) AS id, array_agg(served.build_number) AS build_number,
        array_agg(served.built_at) AS built_at, array_agg(served.began_at) AS began_at,
        array_agg(coalesce(served.unchanged, false)) AS unchanged,
        array_agg(
            (SELECT EXISTS (SELECT FROM revocations)) -- once: to look at a build is costly
            AND EXISTS (
                SELECT FROM revocation_of_build(served.id, served.attempt, %(now)s) AS revocation
                WHERE revocation.kind = 'revoked'
            )
        ) AS is_revoked
    FROM (
        SELECT recent.*
        FROM (
            SELECT
                id, build_number, attempt, unchanged, coalesce(start_time, created_at) AS began_at,
                coalesce(CASE WHEN future THEN created_at ELSE end_time END, created_at) AS built_at,
                image_doubt(
                    branch, default_branch, pull_request, conflict, unstable,
                    CASE
                        WHEN NOT images.is_confirmed
                            THEN with_resolved(inferred, images.is_resolved)
                    END,
                    rules.branches, rules.unstable_counts
                ) AS doubt
            FROM builds
            WHERE
                coalesce(project_id, '00000000-0000-0000-0000-000000000000') = images.project_id
                AND platform_id = images.platform_id
                AND os_version_id = images.os_version_id
                AND image_type_id = images.image_type_id
                AND status = 'completed'
                AND pull_request IS NULL
            ORDER BY
                coalesce(CASE WHEN future THEN created_at ELSE end_time END, created_at) DESC, id DESC
            LIMIT 100
        ) AS recent
        WHERE recent.doubt IS NULL
        LIMIT 8
    ) AS served
) AS good
ORDER BY images.project, images.platform, images.os_version, images.image_type
