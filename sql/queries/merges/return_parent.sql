-- A project is below another one again; where that was merged meanwhile, its undo takes it along.
WITH merges AS (
    UPDATE name_aliases SET merged = jsonb_set(
        merged, '{children}',
        coalesce(merged -> 'children', '[]') || to_jsonb(%(source_id)s::uuid)
    )
    WHERE dimension = 'project' AND merged -> 'row' ->> 'id' = %(parent_id)s
)
UPDATE projects SET parent_project_id = %(new_id)s WHERE id = %(source_id)s
