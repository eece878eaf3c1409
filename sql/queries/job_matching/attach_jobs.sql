-- The rows of each job belong to its build, or to none.
UPDATE events
SET build_id = given.build_id
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (run_key text, build_id uuid, used boolean)
WHERE
    events.native
    AND events.run_key = given.run_key
    AND events.build_id IS DISTINCT FROM given.build_id
