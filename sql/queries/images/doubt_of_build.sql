-- Why a build's image is not served, as far as the build itself tells.
SELECT
    builds.build_number, builds.project, builds.branch, builds.default_branch, builds.pull_request,
    builds.conflict, builds.inferred,
    coalesce(
        image_doubt(
            builds.branch, builds.default_branch, builds.pull_request, builds.conflict, builds.unstable,
            builds.inferred, rules.branches, rules.unstable_counts
        ),
        CASE
            WHEN has_failed_since(builds.id, builds.attempt, builds.end_time) THEN 'failed'
        END
    ) AS reason
FROM named_builds AS builds
LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
    project_id uuid, branches text [], unstable_counts boolean
) ON rules.project_id = builds.project_id
WHERE builds.build_number = %(build_number)s
