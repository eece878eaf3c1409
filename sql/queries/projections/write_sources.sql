-- Write rows of builds' sources, and remove those that are not among the kept ones.
WITH kept AS (
    SELECT * FROM jsonb_to_recordset(%(kept)s::jsonb) AS kept (build_id uuid, ids uuid[])
),
gone AS (
    DELETE FROM build_sources
    WHERE build_id IN (SELECT build_id FROM kept) AND id NOT IN (SELECT unnest(ids) FROM kept)
)
INSERT INTO build_sources (
    id, build_id, place, attempt, artifact_id, region
)
SELECT
    id, build_id, place, attempt, artifact_id, region
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, build_id uuid, place integer, attempt integer, artifact_id text, region text
)
ON CONFLICT (id) DO UPDATE SET
    attempt = excluded.attempt,
    artifact_id = excluded.artifact_id,
    region = excluded.region
