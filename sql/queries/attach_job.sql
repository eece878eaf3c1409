-- A job's rows belong to this build, or to none.
UPDATE events
SET build_id = %(build_id)s
WHERE native AND run_key = %(run_key)s AND build_id IS DISTINCT FROM %(build_id)s
