-- Note that a receiver reads this file at the moment.
INSERT INTO settings_files (receiver, kind, host, path, version)
VALUES (%(receiver)s, %(kind)s, %(host)s, %(path)s, %(version)s)
ON CONFLICT (receiver, kind) DO UPDATE SET
    host = EXCLUDED.host,
    path = EXCLUDED.path,
    version = EXCLUDED.version,
    seen_at = now()
