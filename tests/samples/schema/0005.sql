INSERT INTO tokens (name, scope, project, digest, expires_at, revoked_at) VALUES
    ('ci', 'read', 'core', '\x01', '2027-01-01 00:00Z', NULL),
    ('old', 'admin', NULL, '\x02', NULL, '2026-01-01 00:00Z');
