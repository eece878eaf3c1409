-- A project that is merged into one below it makes room: the one below moves up in its place.
UPDATE projects SET parent_project_id = parent.parent_project_id
FROM projects AS parent
WHERE
    projects.id = %(target_id)s AND parent.id = %(source_id)s
    AND projects.parent_project_id = parent.id
RETURNING projects.id
