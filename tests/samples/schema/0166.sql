INSERT INTO settings_files (receiver, kind, host, path, version, seen_at)
VALUES (
    '01900000-0000-7000-8000-000000000166', 'stages', 'host-a', '/etc/milepost/stages.toml', 3,
    '2026-01-08 10:00Z'
);
