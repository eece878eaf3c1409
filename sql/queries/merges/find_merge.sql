-- The old name that a merge left, locked: target_id, merged.
SELECT target_id, merged
FROM name_aliases
WHERE dimension = %(dimension)s AND name = %(name)s
FOR UPDATE
