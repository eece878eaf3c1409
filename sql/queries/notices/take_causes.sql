-- Take the oldest causes, each with the delivery that was quarantined: id, type, at, build_id, attempt,
-- source, sender, reason.
WITH taken AS (
    DELETE FROM notice_causes
    WHERE id IN (SELECT id FROM notice_causes ORDER BY id LIMIT %(limit)s)
    RETURNING id, type, at, build_id, attempt, delivery_id
)
SELECT
    taken.id, taken.type, taken.at, taken.build_id, taken.attempt, deliveries.source,
    deliveries.sender, deliveries.reason
FROM taken
LEFT JOIN deliveries ON deliveries.id = taken.delivery_id
ORDER BY taken.id
