-- What a job's forge tells of it belongs to the builds that its own reports belong to.
INSERT INTO run_keys AS old (run_key, build_id, first_at, last_at, run_group, projects, joined)
SELECT
    given.run_key, target.id, min(claims.first_at), max(claims.last_at), min(claims.run_group),
    given.projects, given.number
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    number text, run_key text, projects text[], builds uuid[], before uuid[]
)
CROSS JOIN LATERAL unnest(given.builds) AS target (id)
JOIN run_keys AS claims ON claims.run_key = given.run_key AND claims.build_id = ANY(given.before)
GROUP BY given.run_key, target.id, given.projects, given.number
ON CONFLICT (run_key, build_id) DO UPDATE SET
    first_at = least(old.first_at, excluded.first_at),
    last_at = greatest(old.last_at, excluded.last_at)
WHERE
    old.first_at IS DISTINCT FROM least(old.first_at, excluded.first_at)
    OR old.last_at IS DISTINCT FROM greatest(old.last_at, excluded.last_at)
