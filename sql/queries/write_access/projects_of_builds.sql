-- The projects of builds that have one: id, project.
SELECT builds.id, projects.name AS project
FROM builds
JOIN projects ON projects.id = builds.project_id
WHERE builds.id = ANY(%(build_ids)s::uuid[])
