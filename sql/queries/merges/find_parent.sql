-- The project of an id, or that which it was merged into: id, name.
SELECT id, name
FROM projects
WHERE
    id = coalesce(
        (
            SELECT target_id FROM name_aliases
            WHERE dimension = 'project' AND merged -> 'row' ->> 'id' = %(parent_id)s
        ),
        %(parent_id)s::uuid
    )
