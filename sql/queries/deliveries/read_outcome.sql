-- The outcome of a delivery so far: outcome, builds.
SELECT
    outcome,
    array(
        SELECT DISTINCT builds.build_number
        FROM events
        JOIN builds ON builds.id = events.build_id
        WHERE events.delivery_id = deliveries.id
        ORDER BY builds.build_number
    ) AS builds
FROM deliveries
WHERE id = %(id)s
