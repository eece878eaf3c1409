-- Make a build's resources these rows; writes the difference only.
WITH folded AS (
    SELECT *
    FROM jsonb_to_recordset(%(rows)s) AS folded (
        id uuid, place integer, attempt integer, type text, resource_id text, removed boolean
    )
),
gone AS (
    DELETE FROM build_resources
    WHERE build_id = %(build_id)s AND id NOT IN (SELECT id FROM folded)
)
INSERT INTO build_resources AS old (id, build_id, place, attempt, type, resource_id, removed)
SELECT id, %(build_id)s, place, attempt, type, resource_id, removed
FROM folded
ON CONFLICT (id) DO UPDATE SET
    attempt = excluded.attempt,
    type = excluded.type,
    resource_id = excluded.resource_id,
    removed = excluded.removed
WHERE (old.attempt, old.type, old.resource_id, old.removed) IS DISTINCT FROM (
    excluded.attempt, excluded.type, excluded.resource_id, excluded.removed
)
