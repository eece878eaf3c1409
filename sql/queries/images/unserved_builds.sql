-- Completed builds whose images are not served: of each combination the newest of each reason and
-- branch, among the last 20, and of what nobody names each one; at most 100, the newest first.
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
),

doubtful AS (
    SELECT DISTINCT ON (
        combinations.project_id, combinations.platform_id, combinations.os_version_id,
        combinations.image_type_id, doubted.reason, doubted.branch,
        CASE WHEN doubted.reason = 'unknown' THEN doubted.id END
    )
        doubted.id, doubted.reason, doubted.built_at
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
    LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
        project_id uuid, branches text [], unstable_counts boolean
    ) ON rules.project_id = combinations.project_id
    LEFT JOIN LATERAL (
        SELECT true AS ours
        FROM confirmed_images
        WHERE
            coalesce(confirmed_images.project_id, '00000000-0000-0000-0000-000000000000')
            = combinations.project_id
            AND confirmed_images.platform_id = platforms.id
            AND confirmed_images.os_version_id = combinations.os_version_id
            AND confirmed_images.image_type_id = combinations.image_type_id
    ) AS confirmed ON true
    CROSS JOIN LATERAL (
        SELECT
            recent.id, recent.branch,
            coalesce(
                CASE WHEN recent.future THEN recent.created_at ELSE recent.end_time END,
                recent.created_at
            ) AS built_at,
            CASE
                WHEN 'unknown' IN (platforms.name, os_versions.name, image_types.name) THEN 'unknown'
                ELSE image_doubt(
                    recent.branch, recent.default_branch, recent.pull_request, recent.conflict,
                    recent.unstable,
                    CASE
                        WHEN confirmed.ours IS NULL
                            THEN with_resolved(recent.inferred, platforms.id <> own.id)
                    END,
                    rules.branches, rules.unstable_counts
                )
            END AS reason
        FROM (
            SELECT *
            FROM builds
            WHERE
                coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
                = combinations.project_id
                AND builds.platform_id = combinations.platform_id
                AND builds.os_version_id = combinations.os_version_id
                AND builds.image_type_id = combinations.image_type_id
                AND builds.status = 'completed'
                AND builds.pull_request IS NULL
            ORDER BY
                coalesce(
                    CASE WHEN builds.future THEN builds.created_at ELSE builds.end_time END,
                    builds.created_at
                ) DESC,
                builds.id DESC
            LIMIT 20
        ) AS recent
    ) AS doubted
    WHERE doubted.reason IS NOT NULL
    ORDER BY
        combinations.project_id, combinations.platform_id, combinations.os_version_id,
        combinations.image_type_id, doubted.reason, doubted.branch,
        CASE WHEN doubted.reason = 'unknown' THEN doubted.id END, doubted.built_at DESC,
        doubted.id DESC
)

SELECT
    builds.project, builds.platform, builds.os_version, builds.image_type, builds.build_number,
    builds.branch, builds.default_branch, builds.inferred, builds.conflict, doubtful.reason,
    doubtful.built_at
FROM doubtful
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = doubtful.id LIMIT 1
) AS builds
WHERE
    (%(project)s::text IS NULL OR builds.project = %(project)s)
    AND (%(platform)s::text IS NULL OR builds.platform = %(platform)s)
    AND (%(os_version)s::text IS NULL OR builds.os_version = %(os_version)s)
    AND (%(image_type)s::text IS NULL OR builds.image_type = %(image_type)s)
ORDER BY doubtful.built_at DESC, doubtful.id DESC
LIMIT 100
