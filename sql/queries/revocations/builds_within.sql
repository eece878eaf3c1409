-- Which of these builds are of these projects: build_number.
SELECT builds.build_number
FROM builds
JOIN projects ON projects.id = builds.project_id
WHERE builds.build_number = ANY(%(numbers)s::text []) AND projects.name = ANY(%(own)s::text [])
