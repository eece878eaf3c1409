-- Every document of a kind without its text, newest first: version, created_at, created_by.
SELECT version, created_at, created_by FROM settings_documents
WHERE kind = %(kind)s
ORDER BY version DESC
