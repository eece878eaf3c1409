-- Delete a batch of builds that ended long ago, with their events and derived rows; not those about
-- which people decided something, nor those that they were made from.
DELETE FROM builds
WHERE
    id IN (
        SELECT id FROM builds
        WHERE
            end_time < %(before)s AND status IN ('completed', 'failed', 'cancelled')
            AND NOT is_build_kept(id)
        LIMIT %(limit)s
    )
