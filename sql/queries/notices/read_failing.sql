-- Of which of these subjects a failure was told and no recovery since: notice, subject. A message that
-- was given up told nobody.
SELECT notice, subject
FROM (
    SELECT DISTINCT ON (notices.notice, notices.subject)
        notices.notice, notices.subject, notices.type
    FROM notices
    WHERE
        notices.subject = ANY(%(subjects)s)
        AND notices.type IN ('failed', 'lost', 'recovered')
        AND notices.status = 'told'
        AND EXISTS (
            SELECT FROM notice_messages AS messages
            WHERE messages.batch_id = notices.batch_id AND messages.given_up_at IS NULL
        )
    ORDER BY notices.notice, notices.subject, notices.created_at DESC, notices.id DESC
) AS last
WHERE type <> 'recovered'
