INSERT INTO settings_documents (kind, version, document, created_at, created_by)
VALUES ('stages', 3, E'["*"]\nnames = { Harden = 40 }\n', '2026-01-08 10:00Z', 'ada');
