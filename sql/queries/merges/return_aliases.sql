-- Old names that a merge moved lead to their own row again.
UPDATE name_aliases SET target_id = %(source_id)s
WHERE dimension = %(dimension)s AND name = ANY(%(names)s) AND target_id = %(target_id)s
