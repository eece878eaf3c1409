-- The channels of a project whose names the other one has too: id, target_id, row.
SELECT own.id, other.id AS target_id, to_jsonb(own) AS row
FROM channels AS own
JOIN channels AS other ON other.name = own.name AND other.project_id = %(target_id)s
WHERE own.project_id = %(source_id)s
FOR UPDATE OF own, other
