-- All that was said of a build: delivery_id, place, source, statement.
SELECT delivery_id, place, source, statement
FROM events
WHERE build_id = %(build_id)s
