-- The newest document of a kind, of those before a version if one is named: version, document,
-- created_at, created_by.
SELECT version, document, created_at, created_by
FROM settings_documents
WHERE kind = %(kind)s AND (%(before)s::BIGINT IS NULL OR version < %(before)s::BIGINT)
ORDER BY version DESC
LIMIT 1
