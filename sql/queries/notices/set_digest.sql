-- Note when the next digest of a notice is due.
INSERT INTO notice_digests (notice, rule, due_at) VALUES (%(notice)s, %(rule)s, %(due_at)s)
ON CONFLICT (notice) DO UPDATE SET rule = excluded.rule, due_at = excluded.due_at
