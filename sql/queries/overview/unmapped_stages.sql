-- Stages of the newest 300 builds that map to no state: project, stage, count, builds, last_at, the
-- newest build (build_number), and the highest state that a build had then.
-- Of those among them that are of `projects`, unless it is null.
SELECT
    projects.name AS project, build_states.stage, count(*) AS count,
    count(DISTINCT builds.id) AS builds, max(build_states.start_time) AS last_at,
    (array_agg(builds.build_number ORDER BY build_states.start_time DESC))[1] AS build_number,
    max(build_states.state) AS state
FROM (
    SELECT id, build_number, project_id FROM builds ORDER BY created_at DESC, id DESC LIMIT 300
) AS builds
JOIN build_states ON build_states.build_id = builds.id
LEFT JOIN projects ON projects.id = builds.project_id
WHERE
    NOT build_states.mapped AND build_states.stage IS NOT NULL
    AND (%(projects)s::text [] IS NULL OR projects.name = ANY(%(projects)s))
GROUP BY projects.name, build_states.stage
ORDER BY count(*) DESC, build_states.stage
LIMIT 100
