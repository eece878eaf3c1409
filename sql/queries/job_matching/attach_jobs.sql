-- The rows of each job belong to its build, or to none; `shared` are the builds that share them.
UPDATE events
SET build_id = given.build_id, shared_with = given.shared
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (run_key text, build_id uuid, shared uuid[], used boolean)
WHERE
    events.native
    AND events.run_key = given.run_key
    AND (
        events.build_id IS DISTINCT FROM given.build_id
        OR events.shared_with IS DISTINCT FROM given.shared
    )
