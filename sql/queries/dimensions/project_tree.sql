-- Every project with its parent: name, parent.
SELECT projects.name, parent.name AS parent
FROM projects
LEFT JOIN projects AS parent ON parent.id = projects.parent_project_id
ORDER BY projects.name
