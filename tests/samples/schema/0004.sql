-- A forge's job that no hook has named yet, and a number that turned out to be another's.
INSERT INTO events (
    delivery_id, place, build_id, source, run_key, statement, native, alias_key, began_at, ended_at,
    native_number, run_group
)
VALUES (
    '00000000-0000-0000-0000-000000000402', 0, NULL, 'github', 'github:acme/images:500:1:84211',
    '{"run": {"key": "github:acme/images:500:1:84211"}, "events": [
        {"kind": "build", "at": "2026-01-01T11:00:00+00:00", "status": "running"}]}',
    true, 'github:acme/images:500:1:runner-4', '2026-01-01 11:00Z', NULL, NULL,
    'github:acme/images:500:1'
);
UPDATE run_keys SET first_at = '2026-01-01 10:05Z', last_at = '2026-01-01 10:09Z', run_group = 'run-1';
INSERT INTO build_redirects (build_number, build_id)
VALUES ('before-1', '00000000-0000-0000-0000-000000000101');
