-- What a forge says of whole runs: run_key, delivery_id, place, source, statement as a text.
SELECT run_key, delivery_id, place, source, statement::text AS statement
FROM events
WHERE native AND run_key = ANY(%(run_groups)s)
