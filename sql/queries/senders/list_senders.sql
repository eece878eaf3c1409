-- Every sender of this database: source, name, projects, secrets, created_at, created_by,
-- disabled_at.
SELECT source, name, projects, secrets, created_at, created_by, disabled_at
FROM senders
ORDER BY created_at, source, name
