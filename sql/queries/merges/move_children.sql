-- Projects below one are below another: id.
UPDATE projects SET parent_project_id = %(target_id)s
WHERE parent_project_id = %(source_id)s AND id <> %(target_id)s
RETURNING id
