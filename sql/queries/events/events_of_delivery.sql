-- The events of a delivery: build_id, run_key, alias_key.
SELECT build_id, run_key, alias_key FROM events WHERE delivery_id = %(id)s
