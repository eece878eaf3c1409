-- What a forge says of whole runs: delivery_id, place, source, statement.
SELECT delivery_id, place, source, statement
FROM events
WHERE native AND run_key = ANY(%(run_groups)s)
