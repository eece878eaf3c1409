-- Delete the oldest news from before a time, and the messages that tell of nothing else.
WITH gone AS (
    DELETE FROM notices
    WHERE
        id IN (
            SELECT id FROM notices WHERE created_at < %(before)s ORDER BY created_at, id LIMIT 1000
        )
    RETURNING id, batch_id
)
DELETE FROM notice_messages AS messages
USING gone
WHERE
    messages.batch_id = gone.batch_id
    AND NOT EXISTS (
        SELECT FROM notices
        WHERE notices.batch_id = messages.batch_id AND notices.id NOT IN (SELECT id FROM gone)
    )
