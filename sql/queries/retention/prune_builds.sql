-- Delete a batch of builds that ended long ago, with their events and derived rows.
DELETE FROM builds
WHERE
    id IN (
        SELECT id FROM builds
        WHERE end_time < %(before)s AND status IN ('completed', 'failed', 'cancelled')
        LIMIT %(limit)s
    )
