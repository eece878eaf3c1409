-- Remove a batch of builds that ended long ago, with all that is known of them.
DELETE FROM builds
WHERE
    id IN (
        SELECT id FROM builds
        WHERE end_time < %(before)s AND status IN ('completed', 'failed', 'cancelled')
        LIMIT %(limit)s
    )
