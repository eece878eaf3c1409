-- The latest good images: of every combination and region the final artifacts, not expired, of the
-- build that completed last and has one there, among the last 10 completed builds of the combination.
-- Only the last attempt of a build counts.
WITH RECURSIVE combinations AS (
    (
        SELECT coalesce(project_id, '00000000-0000-0000-0000-000000000000') AS project_id, platform_id, os_version_id, image_type_id
        FROM builds WHERE status = 'completed'
        ORDER BY coalesce(project_id, '00000000-0000-0000-0000-000000000000'), platform_id, os_version_id, image_type_id
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
            AND builds.status = 'completed'
        ORDER BY
            coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000'), builds.platform_id,
            builds.os_version_id, builds.image_type_id
        LIMIT 1
    ) AS next
),

candidates AS (
    SELECT
        built.id, built.built_at, artifacts.artifact_id, artifacts.region,
        rank() OVER (
            PARTITION BY
                combinations.project_id, combinations.platform_id, combinations.os_version_id,
                combinations.image_type_id, artifacts.region
            ORDER BY built.built_at DESC, built.id DESC
        ) AS place
    FROM combinations
    CROSS JOIN LATERAL (
        SELECT builds.id, builds.attempt, coalesce(builds.end_time, builds.created_at) AS built_at
        FROM builds
        WHERE
            coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000') = combinations.project_id
            AND builds.platform_id = combinations.platform_id
            AND builds.os_version_id = combinations.os_version_id
            AND builds.image_type_id = combinations.image_type_id
            AND builds.status = 'completed'
        ORDER BY coalesce(builds.end_time, builds.created_at) DESC, builds.id DESC
        LIMIT 10
    ) AS built
    JOIN artifacts ON artifacts.build_id = built.id AND artifacts.attempt = built.attempt
    WHERE
        artifacts.kind IS DISTINCT FROM 'resumable'
        AND (artifacts.expires_at IS NULL OR artifacts.expires_at > now())
)

SELECT
    builds.build_number, builds.project, builds.platform, builds.cloud_provider, builds.os_version,
    builds.image_type, candidates.built_at, candidates.artifact_id, candidates.region
FROM candidates
JOIN named_builds AS builds ON builds.id = candidates.id
WHERE candidates.place = 1
ORDER BY
    builds.platform, builds.major_version, builds.minor_version, builds.os_version,
    builds.image_type, builds.project, candidates.region
