INSERT INTO settings_versions (kind, version) VALUES ('stages', 3), ('senders', 2);
