-- Projects by name, from behind one on, each with its parent; or the one of a name.
SELECT
    projects.id, projects.name, projects.description, parent.name AS parent, projects.created_at,
    projects.updated_at
FROM projects
LEFT JOIN projects AS parent ON parent.id = projects.parent_project_id
WHERE
    (%(name)s::text IS NULL OR projects.name = %(name)s)
    AND (%(after)s::text IS NULL OR projects.name > %(after)s)
ORDER BY projects.name
LIMIT %(limit)s
