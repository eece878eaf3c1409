-- This run speaks of this build.
INSERT INTO run_keys (run_key, build_id)
VALUES (%(run_key)s, %(build_id)s)
ON CONFLICT DO NOTHING
