-- Make builds' resources these rows; writes the difference only.
WITH folded AS MATERIALIZED (
    SELECT *
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
        id uuid, build_id uuid, place integer, attempt integer, type text, resource_id text, removed
        boolean
    )
),
gone AS (
    DELETE FROM build_resources
    WHERE build_id = ANY(%(build_ids)s) AND id NOT IN (SELECT id FROM folded)
)
INSERT INTO build_resources AS old (
    id, build_id, place, attempt, type, resource_id, removed
)
SELECT
    folded.id, folded.build_id, folded.place, folded.attempt, folded.type, folded.resource_id,
    folded.removed
FROM folded
LEFT JOIN build_resources AS known ON known.id = folded.id -- no row that is right already is locked
WHERE
    known.id IS NULL
    OR (
        known.attempt, known.type, known.resource_id, known.removed
    ) IS DISTINCT FROM (
        folded.attempt, folded.type, folded.resource_id, folded.removed
    )
ON CONFLICT (id) DO UPDATE SET
    attempt = excluded.attempt,
    type = excluded.type,
    resource_id = excluded.resource_id,
    removed = excluded.removed
