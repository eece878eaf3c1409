-- A failed build with all its rows, and 50 completed ones.
INSERT INTO builds (
    id, build_number, project_id, platform_id, os_version_id, image_type_id, current_state, status,
    start_time, end_time, duration_seconds, packer_manifest, created_by, attempt, last_heard_at,
    run_url, commit_sha, branch, resume_state, manifest_sha256
)
VALUES (
    '00000000-0000-0000-0000-000000000101', 'core-1', '00000000-0000-0000-0000-000000000031',
    '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000012',
    '00000000-0000-0000-0000-000000000022', 45, 'failed', '2026-01-01 10:05Z', '2026-01-01 10:09Z',
    240, '{"builds": [{"name": "base", "custom_data": {"note": "10.10"}}], "last_run_uuid": "u"}',
    'ada', 1, '2026-01-01 10:09Z', 'https://ci.example.com/1', '4f2c9d1', 'main', 45, 'abc'
);
INSERT INTO build_states (
    id, build_id, state, status, start_time, end_time, duration_seconds, error_message, retry_count,
    stage, attempt, place, mapped, estimated
)
VALUES (
    '00000000-0000-0000-0000-000000000201', '00000000-0000-0000-0000-000000000101', 45, 'failed',
    '2026-01-01 10:05Z', '2026-01-01 10:05Z', 0, 'no route to host', 0, 'Storage', 1, 0, true, false
);
INSERT INTO build_failures (
    id, build_id, state, failure_type, error_message, error_details, component, retry_attempt,
    resolved, resolution_notes, resolved_at, attempt, stage, occurrence
)
VALUES (
    '00000000-0000-0000-0000-000000000301', '00000000-0000-0000-0000-000000000101', 45,
    'provisioner', 'no route to host', '{"exit": 2}', 'ansible', 0, true, 'switch replaced',
    '2026-01-02 10:00Z', 1, 'Storage', 0
);
INSERT INTO builds (build_number, platform_id, os_version_id, image_type_id, current_state, status)
SELECT
    'many-' || number, '00000000-0000-0000-0000-000000000001',
    '00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000021', 100, 'completed'
FROM generate_series(1, 50) AS number;
