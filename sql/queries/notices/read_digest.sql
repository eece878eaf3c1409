-- When the next digest of a notice is due, where that was noted: rule, due_at.
SELECT notice, rule, due_at FROM notice_digests
