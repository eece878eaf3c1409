-- Old names that led to a row lead to another one: name.
UPDATE name_aliases SET target_id = %(target_id)s
WHERE dimension = %(dimension)s AND target_id = %(source_id)s
RETURNING name
