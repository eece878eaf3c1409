-- Messages of notices that failed and are tried again or, in the last day, were given up, and causes
-- that nobody evaluates: count.
SELECT
    (
        SELECT count(*)
        FROM notice_messages
        WHERE
            sent_at IS NULL
            AND ((given_up_at IS NULL AND tries > 0) OR given_up_at > now() - interval '1 day')
    ) + (
        SELECT count(*) FROM (
            SELECT 1 FROM notice_causes WHERE at < now() - interval '5 minutes' LIMIT 10000
        ) AS old
    ) AS count
