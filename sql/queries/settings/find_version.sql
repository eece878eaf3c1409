-- The newest version of a kind with these contents: version.
SELECT version FROM settings_documents
WHERE kind = %(kind)s AND document = %(document)s
ORDER BY version DESC
LIMIT 1
