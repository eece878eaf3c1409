-- The artifacts that may be served: of each combination the final ones, not expired, of the last 10
-- completed builds that are served, not revoked or failed since, and made some, among its last 1,000.
-- Only the last attempt of a build counts. `newness` is 0 for the newest of these builds;
-- `superseded_at` is when the next newer one was made. Unless `every`, only those of the
-- newest build of a region. With `inferred` there are 10 inferred builds beside the 10 stated ones,
-- which come behind all of them, among the last 100. With `newest` only those of the newest build.
WITH named AS MATERIALIZED (
    SELECT
        dense_rank() OVER (
            ORDER BY
                images.project_id, images.image_platform_id, images.os_version_id, images.image_type_id
        ) AS image,
        images.project_id, images.platform_id, images.os_version_id, images.image_type_id,
        images.is_resolved, images.is_confirmed, rules.branches, rules.unstable_counts
    FROM completed_images AS images
    LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
        project_id uuid, branches text [], unstable_counts boolean
    ) ON rules.project_id = images.project_id
    WHERE
        images.is_named
        AND (%(own)s::text[] IS NULL OR images.project = ANY(%(own)s))
        AND (%(project)s::text IS NULL OR images.project = %(project)s)
        AND (%(platform)s::text IS NULL OR images.platform = %(platform)s)
        AND (%(os_version)s::text IS NULL OR images.os_version = %(os_version)s)
        AND (%(image_type)s::text IS NULL OR images.image_type = %(image_type)s)
),

candidates AS (
    SELECT
        named.is_confirmed, served.id, served.built_at, artifacts.id AS artifact_row,
        dense_rank() OVER (
            PARTITION BY named.image ORDER BY served.is_guess, served.built_at DESC, served.id DESC
        ) - 1 AS newness,
        min(served.built_at) OVER (
            PARTITION BY named.image ORDER BY served.is_guess, served.built_at DESC, served.id DESC
            GROUPS BETWEEN 1 PRECEDING AND 1 PRECEDING
        ) AS superseded_at,
        rank() OVER (
            PARTITION BY named.image, artifacts.region
            ORDER BY served.is_guess, served.built_at DESC, served.id DESC
        ) AS turn
    FROM named
    CROSS JOIN (VALUES (NULL, false), ('inferred', true)) AS kinds (doubt, is_guess)
    CROSS JOIN LATERAL (
        SELECT
            recent.id, recent.attempt, kinds.is_guess,
            coalesce(
                CASE WHEN recent.future THEN recent.created_at ELSE recent.end_time END,
                recent.created_at
            ) AS built_at
        FROM (
            SELECT
                builds.id, builds.attempt, builds.end_time, builds.created_at,
                builds.future,
                image_doubt(
                    builds.branch, builds.default_branch, builds.pull_request, builds.conflict,
                    builds.unstable,
                    CASE
                        WHEN NOT named.is_confirmed
                            THEN with_resolved(builds.inferred, named.is_resolved)
                    END,
                    named.branches, named.unstable_counts
                ) AS doubt
            FROM builds
            WHERE
                coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000') = named.project_id
                AND builds.platform_id = named.platform_id
                AND builds.os_version_id = named.os_version_id
                AND builds.image_type_id = named.image_type_id
                AND builds.status = 'completed'
                AND builds.pull_request IS NULL
                AND builds.unchanged IS NOT TRUE
            ORDER BY
                coalesce(
                    CASE WHEN builds.future THEN builds.created_at ELSE builds.end_time END,
                    builds.created_at
                ) DESC,
                builds.id DESC
            LIMIT CASE WHEN kinds.is_guess THEN 100 ELSE 1000 END
        ) AS recent
        WHERE
            recent.doubt IS NOT DISTINCT FROM kinds.doubt
            AND NOT (
                (SELECT EXISTS (SELECT FROM revocations)) -- once: to look at a build is costly
                AND EXISTS (
                    SELECT FROM revocation_of_build(recent.id, recent.attempt, now()) AS revocation
                    WHERE revocation.kind = 'revoked'
                )
            )
            AND NOT (
                EXISTS (SELECT FROM build_failures WHERE build_id = recent.id) -- few have any
                AND has_failed_since(recent.id, recent.attempt, recent.end_time)
            )
            AND (
                NOT %(newest)s
                OR EXISTS (
                    SELECT FROM artifacts
                    WHERE
                        artifacts.build_id = recent.id
                        AND artifacts.attempt = recent.attempt
                        AND artifacts.kind IS DISTINCT FROM 'resumable'
                        AND (artifacts.expires_at IS NULL OR artifacts.expires_at > now())
                )
            )
        LIMIT CASE WHEN %(newest)s THEN 1 ELSE 10 END
    ) AS served
    JOIN artifacts ON artifacts.build_id = served.id AND artifacts.attempt = served.attempt
    WHERE
        (%(inferred)s OR NOT kinds.is_guess)
        AND artifacts.kind IS DISTINCT FROM 'resumable'
        AND (artifacts.expires_at IS NULL OR artifacts.expires_at > now())
)

SELECT
    builds.project, builds.platform, builds.cloud_provider, builds.os_version, builds.image_type,
    builds.build_number, candidates.built_at, builds.branch,
    CASE WHEN NOT candidates.is_confirmed THEN builds.inferred END AS inferred,
    artifacts.artifact_id, artifacts.region, artifacts.name, artifacts.builder_type,
    artifacts.custom_data, artifacts.files, artifacts.path, candidates.newness,
    candidates.superseded_at,
    CASE
        WHEN (SELECT EXISTS (SELECT FROM revocations))
            THEN revocation_json(candidates.id, artifacts.attempt, now())
    END AS revocation
FROM candidates
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = candidates.id LIMIT 1
) AS builds
CROSS JOIN LATERAL (
    SELECT * FROM artifacts WHERE id = candidates.artifact_row LIMIT 1
) AS artifacts
WHERE %(every)s OR candidates.turn = 1
ORDER BY
    builds.platform, builds.major_version, builds.minor_version, builds.os_version,
    builds.image_type, builds.project, artifacts.region, candidates.newness, artifacts.place
