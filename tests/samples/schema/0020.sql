UPDATE builds SET heartbeat_at = '2026-01-01 10:09Z', resumed_from = 25 WHERE build_number = 'core-1';
UPDATE artifacts SET checksum = 'sha256:ab', state = 45;
INSERT INTO build_resources (id, build_id, place, attempt, type, resource_id, removed)
VALUES (
    '00000000-0000-0000-0000-000000000601', '00000000-0000-0000-0000-000000000101', 0, 1,
    'aws_instance', 'i-1', false
);
