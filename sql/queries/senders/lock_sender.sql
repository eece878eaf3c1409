-- Lock a sender until the commit: source, name, projects, secrets, created_at, created_by,
-- disabled_at.
SELECT source, name, projects, secrets, created_at, created_by, disabled_at
FROM senders
WHERE source = %(source)s AND name = %(name)s
FOR UPDATE
