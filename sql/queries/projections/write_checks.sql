-- Write rows of builds' checks, and remove those that are not among the kept ones.
WITH kept AS (
    SELECT * FROM jsonb_to_recordset(%(kept)s::jsonb) AS kept (build_id uuid, ids uuid[])
),
gone AS (
    DELETE FROM build_checks
    WHERE build_id IN (SELECT build_id FROM kept) AND id NOT IN (SELECT unnest(ids) FROM kept)
)
INSERT INTO build_checks (
    id, build_id, place, attempt, name, kind, status, at, counts, fixable, tool, tool_version,
    database_at, digest, url
)
SELECT
    id, build_id, place, attempt, name, kind, status, at, counts, fixable, tool, tool_version,
    database_at, digest, url
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, build_id uuid, place integer, attempt integer, name text, kind text, status text,
    at timestamptz, counts jsonb, fixable jsonb, tool text, tool_version text,
    database_at timestamptz, digest text, url text
)
ON CONFLICT (id) DO UPDATE SET
    attempt = excluded.attempt,
    name = excluded.name,
    kind = excluded.kind,
    status = excluded.status,
    at = excluded.at,
    counts = excluded.counts,
    fixable = excluded.fixable,
    tool = excluded.tool,
    tool_version = excluded.tool_version,
    database_at = excluded.database_at,
    digest = excluded.digest,
    url = excluded.url
