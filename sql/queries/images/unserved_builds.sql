-- Completed builds whose images are not served: of each combination the newest of each reason and
-- branch, among the last 20, and of what nobody names each one; at most 100, the newest first.
WITH images AS MATERIALIZED (
    SELECT completed.*, rules.branches, rules.unstable_counts
    FROM completed_images AS completed
    LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
        project_id uuid, branches text [], unstable_counts boolean
    ) ON rules.project_id = completed.project_id
    WHERE
        (%(own)s::text[] IS NULL OR completed.project = ANY(%(own)s))
        AND (%(project)s::text IS NULL OR completed.project = %(project)s)
        AND (%(platform)s::text IS NULL OR completed.platform = %(platform)s)
        AND (%(os_version)s::text IS NULL OR completed.os_version = %(os_version)s)
        AND (%(image_type)s::text IS NULL OR completed.image_type = %(image_type)s)
),

doubtful AS (
    SELECT DISTINCT ON (
        images.project_id, images.platform_id, images.os_version_id, images.image_type_id,
        doubted.reason, doubted.branch,
        CASE WHEN doubted.reason = 'unknown' THEN doubted.id END
    )
        doubted.id, doubted.reason, doubted.built_at
    FROM images
    CROSS JOIN LATERAL (
        SELECT
            recent.id, recent.branch,
            coalesce(
                CASE WHEN recent.future THEN recent.created_at ELSE recent.end_time END,
                recent.created_at
            ) AS built_at,
            CASE
                WHEN 'unknown' IN (images.platform, images.os_version, images.image_type)
                    THEN 'unknown'
                WHEN
                    (SELECT EXISTS (SELECT FROM revocations)) -- once: to look at a build is costly
                    AND EXISTS (
                        SELECT FROM revocation_of_build(recent.id, recent.attempt, now()) AS revocation
                        WHERE revocation.kind = 'revoked'
                    )
                    THEN 'revoked'
                WHEN
                    EXISTS (SELECT FROM build_failures WHERE build_id = recent.id) -- few have any
                    AND has_failed_since(recent.id, recent.attempt, recent.end_time)
                    THEN 'failed'
                ELSE image_doubt(
                    recent.branch, recent.default_branch, recent.pull_request, recent.conflict,
                    recent.unstable,
                    CASE
                        WHEN NOT images.is_confirmed
                            THEN with_resolved(recent.inferred, images.is_resolved)
                    END,
                    images.branches, images.unstable_counts
                )
            END AS reason
        FROM (
            SELECT *
            FROM builds
            WHERE
                coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
                = images.project_id
                AND builds.platform_id = images.platform_id
                AND builds.os_version_id = images.os_version_id
                AND builds.image_type_id = images.image_type_id
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
        images.project_id, images.platform_id, images.os_version_id, images.image_type_id,
        doubted.reason, doubted.branch,
        CASE WHEN doubted.reason = 'unknown' THEN doubted.id END, doubted.built_at DESC,
        doubted.id DESC
)

SELECT
    builds.project, builds.platform, builds.os_version, builds.image_type, builds.build_number,
    builds.branch, builds.default_branch, builds.inferred, builds.conflict, doubtful.reason,
    doubtful.built_at, revocation_json(builds.id, builds.attempt, now()) AS revocation
FROM doubtful
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = doubtful.id LIMIT 1
) AS builds
ORDER BY doubtful.built_at DESC, doubtful.id DESC
LIMIT 100
