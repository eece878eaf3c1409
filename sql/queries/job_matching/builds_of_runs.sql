-- The builds that any job of these runs speaks of: run_group, build_id.
SELECT run_group, build_id FROM run_keys WHERE run_group = ANY(%(run_groups)s)
UNION
SELECT run_group, build_id
FROM events
WHERE native AND run_group = ANY(%(run_groups)s) AND build_id IS NOT NULL
