-- Each stage's median duration in the last 20 builds of the combination that completed before a
-- build ended, in the order in which they run: stage, seconds.
SELECT
    build_states.stage,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY build_states.duration_seconds) AS seconds
FROM builds
JOIN named_builds ON named_builds.id = builds.id -- of the resolved platform
CROSS JOIN LATERAL (
    SELECT id
    FROM builds AS earlier
    WHERE
        earlier.status = 'completed'
        AND coalesce(earlier.project_id, '00000000-0000-0000-0000-000000000000') = coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
        AND earlier.platform_id = named_builds.platform_id
        AND earlier.os_version_id = builds.os_version_id
        AND earlier.image_type_id = builds.image_type_id
        AND coalesce(earlier.end_time, earlier.created_at) <= coalesce(builds.end_time, now())
        AND earlier.id <> builds.id
    ORDER BY coalesce(earlier.end_time, earlier.created_at) DESC, earlier.id DESC
    LIMIT 20
) AS earlier
CROSS JOIN LATERAL (
    SELECT stage, status, duration_seconds, row_number() OVER (ORDER BY place) AS number
    FROM build_states
    WHERE build_id = earlier.id
) AS build_states
WHERE
    builds.build_number = %(build_number)s
    AND build_states.status = 'completed'
    AND build_states.stage IS NOT NULL
GROUP BY build_states.stage
ORDER BY avg(build_states.number), build_states.stage
