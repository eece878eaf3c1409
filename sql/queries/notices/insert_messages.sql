-- Put messages into the outbox.
INSERT INTO notice_messages (
    id, batch_id, notice, target_kind, target_key, title, body, document, created_at, next_at
)
SELECT
    id, %(batch_id)s, %(notice)s, target_kind, target_key, %(title)s, %(body)s, %(document)s, %(now)s,
    %(now)s
FROM jsonb_to_recordset(%(targets)s::jsonb) AS given (id uuid, target_kind text, target_key text)
