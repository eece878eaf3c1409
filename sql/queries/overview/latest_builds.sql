-- The ids of the latest build of every combination that counts, among its last 100: of a served branch,
-- and one that ran. A build of a pull request, or a job that was skipped, leaves the build before in
-- its place.
SELECT counting.id
FROM built_images() AS combinations
LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
    project_id uuid, branches text [], unstable_counts boolean
) ON rules.project_id = combinations.project_id
CROSS JOIN LATERAL (
    SELECT recent.id
    FROM (
        SELECT id, branch, default_branch, pull_request, status, start_time, end_time
        FROM builds
        WHERE
            coalesce(project_id, '00000000-0000-0000-0000-000000000000') = combinations.project_id
            AND platform_id = combinations.platform_id
            AND os_version_id = combinations.os_version_id
            AND image_type_id = combinations.image_type_id
        ORDER BY created_at DESC, id DESC
        LIMIT 100
    ) AS recent
    WHERE
        is_of_served_branch(
            recent.branch, recent.default_branch, recent.pull_request, rules.branches
        )
        AND (recent.status <> 'cancelled' OR recent.start_time < recent.end_time)
    LIMIT 1
) AS counting
