-- This run speaks of this build, from the first to the last of these times.
INSERT INTO run_keys AS old (run_key, build_id, first_at, last_at, run_group)
VALUES (%(run_key)s, %(build_id)s, %(first_at)s, %(last_at)s, %(run_group)s)
ON CONFLICT (run_key, build_id) DO UPDATE SET
    first_at = least(old.first_at, excluded.first_at),
    last_at = greatest(old.last_at, excluded.last_at)
WHERE
    old.first_at IS DISTINCT FROM least(old.first_at, excluded.first_at)
    OR old.last_at IS DISTINCT FROM greatest(old.last_at, excluded.last_at)
