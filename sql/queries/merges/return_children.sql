-- Projects that a merge moved are below their own one again.
UPDATE projects SET parent_project_id = %(source_id)s
WHERE id = ANY(%(ids)s::uuid[]) AND parent_project_id IS NOT DISTINCT FROM %(target_id)s
