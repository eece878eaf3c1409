-- Stages of the newest 300 builds that map to a state: state, stage. Of those among them that are of
-- `projects`, unless it is null.
SELECT DISTINCT build_states.state, build_states.stage
FROM (SELECT id, project_id FROM builds ORDER BY created_at DESC, id DESC LIMIT 300) AS builds
JOIN build_states ON build_states.build_id = builds.id
LEFT JOIN projects ON projects.id = builds.project_id
WHERE
    build_states.mapped AND NOT build_states.estimated AND build_states.stage IS NOT NULL
    AND (%(projects)s::text [] IS NULL OR projects.name = ANY(%(projects)s))
ORDER BY build_states.state, build_states.stage
LIMIT 300
