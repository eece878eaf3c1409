-- Write rows of builds' resources, and remove those that are not among the kept ones.
WITH kept AS (
    SELECT * FROM jsonb_to_recordset(%(kept)s::jsonb) AS kept (build_id uuid, ids uuid[])
),
gone AS (
    DELETE FROM build_resources
    WHERE build_id IN (SELECT build_id FROM kept) AND id NOT IN (SELECT unnest(ids) FROM kept)
)
INSERT INTO build_resources (
    id, build_id, place, attempt, type, resource_id, removed
)
SELECT
    id, build_id, place, attempt, type, resource_id, removed
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, build_id uuid, place integer, attempt integer, type text, resource_id text, removed
    boolean
)
ON CONFLICT (id) DO UPDATE SET
    attempt = excluded.attempt,
    type = excluded.type,
    resource_id = excluded.resource_id,
    removed = excluded.removed
