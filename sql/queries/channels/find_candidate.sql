-- A build that may be assigned, by its number or one that leads to it: its image, how it stands, the
-- `reason` why it is not served, its artifacts that may be, and its `revocation`.
SELECT
    builds.id, builds.build_number, builds.project, builds.platform, builds.os_version,
    builds.image_type, builds.project_id, builds.platform_id, builds.os_version_id,
    builds.image_type_id, builds.status, builds.attempt, builds.branch, builds.default_branch,
    builds.pull_request, builds.conflict, builds.inferred,
    coalesce(
        image_doubt(
            builds.branch, builds.default_branch, builds.pull_request, builds.conflict, builds.unstable,
            CASE
                WHEN NOT EXISTS (
                    SELECT FROM confirmed_images AS confirmed
                    WHERE
                        coalesce(confirmed.project_id, '00000000-0000-0000-0000-000000000000')
                        = coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
                        AND confirmed.platform_id = builds.platform_id
                        AND confirmed.os_version_id = builds.os_version_id
                        AND confirmed.image_type_id = builds.image_type_id
                )
                    THEN builds.inferred
            END,
            rules.branches, rules.unstable_counts
        ),
        CASE
            WHEN has_failed_since(builds.id, builds.attempt, builds.end_time) THEN 'failed'
        END
    ) AS reason,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(artifacts) ORDER BY artifacts.place), '[]')
        FROM artifacts
        WHERE
            artifacts.build_id = builds.id
            AND artifacts.attempt = builds.attempt
            AND artifacts.kind IS DISTINCT FROM 'resumable'
            AND (artifacts.expires_at IS NULL OR artifacts.expires_at > now())
    ) AS artifacts,
    revocation_json(builds.id, builds.attempt, now()) AS revocation
FROM named_builds AS builds
LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
    project_id uuid, branches text [], unstable_counts boolean
) ON rules.project_id = builds.project_id
WHERE
    builds.id = (
        SELECT id FROM builds WHERE build_number = %(build_number)s
        UNION ALL
        SELECT build_id FROM build_redirects WHERE build_number = %(build_number)s
        LIMIT 1
    )
