-- Insert a document under the version that was raised for it.
INSERT INTO settings_documents (kind, version, document, created_by)
VALUES (%(kind)s, %(version)s, %(document)s, %(created_by)s)
