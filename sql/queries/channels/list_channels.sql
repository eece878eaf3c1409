-- Every channel by name, or those of one name: id, name, project, project_id, restricted, require,
-- created_at, created_by.
SELECT
    channels.id, channels.name, projects.name AS project, channels.project_id, channels.restricted,
    channels.require, channels.created_at, channels.created_by
FROM channels
LEFT JOIN projects ON projects.id = channels.project_id
WHERE %(name)s::text IS NULL OR channels.name = %(name)s
ORDER BY channels.name, projects.name NULLS FIRST
