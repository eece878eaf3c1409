-- The events of a delivery: build_id, run_key, alias_key, projects.
SELECT build_id, run_key, alias_key, projects FROM events WHERE delivery_id = %(id)s
