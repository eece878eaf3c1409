-- Note what became of a try to send a message.
UPDATE notice_messages
SET
    tries = tries + %(tried)s,
    claimed_until = NULL,
    sent_at = %(sent_at)s,
    given_up_at = %(given_up_at)s,
    next_at = %(next_at)s,
    problem = %(problem)s
WHERE id = %(id)s AND sent_at IS NULL
