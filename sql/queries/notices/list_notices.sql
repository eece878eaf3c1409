-- A page of notices, newest first, behind a position; each filter may be null. `projects` are those
-- that the caller may see. `state` is waiting, held or dropped; of what was told sending, sent or
-- failed. `messages` has one entry for each address.
SELECT
    notices.id, notices.notice, notices.type, notices.at, notices.created_at, notices.is_late,
    notices.subject, notices.facts, notices.reason, told.state,
    coalesce(told.messages, '[]') AS messages
FROM notices
LEFT JOIN projects ON projects.id = notices.project_id
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN notices.status <> 'told' THEN notices.status
            WHEN bool_or(messages.given_up_at IS NOT NULL) THEN 'failed'
            WHEN bool_and(messages.sent_at IS NOT NULL) THEN 'sent'
            ELSE 'sending'
        END AS state,
        jsonb_agg(
            jsonb_build_object(
                'kind', messages.target_kind,
                'tries', messages.tries,
                'sent_at', messages.sent_at,
                'given_up_at', messages.given_up_at,
                'next_at', CASE
                    WHEN messages.sent_at IS NULL AND messages.given_up_at IS NULL THEN messages.next_at
                END,
                'problem', messages.problem
            )
            ORDER BY messages.id
        ) FILTER (WHERE messages.id IS NOT NULL) AS messages
    FROM notice_messages AS messages
    WHERE messages.batch_id = notices.batch_id
) AS told
WHERE
    (%(notice)s::text IS NULL OR notices.notice = %(notice)s)
    AND (%(type)s::text IS NULL OR notices.type = %(type)s)
    AND (%(state)s::text IS NULL OR told.state = %(state)s)
    AND (%(projects)s::text [] IS NULL OR projects.name = ANY(%(projects)s))
    AND (
        %(after_time)s::timestamptz IS NULL
        OR (notices.created_at, notices.id) < (%(after_time)s::timestamptz, %(after_id)s::uuid)
    )
ORDER BY notices.created_at DESC, notices.id DESC
LIMIT %(limit)s
