-- These runs speak of these builds, from the first to the last of these times.
INSERT INTO run_keys AS old (run_key, build_id, first_at, last_at, run_group)
SELECT run_key, build_id, min(first_at), max(last_at), min(run_group)
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    run_key text, build_id uuid, first_at timestamptz, last_at timestamptz, run_group text
)
GROUP BY run_key, build_id
ORDER BY run_key, build_id
ON CONFLICT (run_key, build_id) DO UPDATE SET
    first_at = least(old.first_at, excluded.first_at),
    last_at = greatest(old.last_at, excluded.last_at)
WHERE
    old.first_at IS DISTINCT FROM least(old.first_at, excluded.first_at)
    OR old.last_at IS DISTINCT FROM greatest(old.last_at, excluded.last_at)
