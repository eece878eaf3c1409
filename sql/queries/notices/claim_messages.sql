-- Claim messages that are due, a few for each address, so that nobody else sends them meanwhile. An
-- address that somebody sends to at the moment is passed over. A claim of a receiver that died runs
-- out, and the message is sent again.
WITH busy AS (
    SELECT DISTINCT target_key
    FROM notice_messages
    WHERE sent_at IS NULL AND given_up_at IS NULL AND claimed_until > %(now)s
),
due AS (
    SELECT
        id, row_number() OVER (PARTITION BY target_key ORDER BY created_at, id) AS turn
    FROM notice_messages
    WHERE
        sent_at IS NULL AND given_up_at IS NULL AND next_at <= %(now)s
        AND target_key NOT IN (SELECT target_key FROM busy)
),
claimed AS (
    UPDATE notice_messages
    SET claimed_until = %(until)s
    WHERE id IN (SELECT id FROM due WHERE turn <= %(each)s)
    RETURNING *
)
SELECT
    id, notice, target_kind, target_key, title, body, document, created_at, tries
FROM claimed
ORDER BY created_at, id
