-- Stages of the newest 300 builds that map to a state: state, stage.
SELECT DISTINCT build_states.state, build_states.stage
FROM (SELECT id FROM builds ORDER BY created_at DESC, id DESC LIMIT 300) AS builds
JOIN build_states ON build_states.build_id = builds.id
WHERE build_states.mapped AND NOT build_states.estimated AND build_states.stage IS NOT NULL
ORDER BY build_states.state, build_states.stage
LIMIT 300
