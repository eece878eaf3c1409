-- What the first build was folded from, a delivery that nobody understood, and a pruned one.
INSERT INTO deliveries (
    id, source, sender, delivery_key, event_type, outcome, reason, flags, headers, query, body,
    body_sha256, body_size, received_at
)
VALUES
(
    '00000000-0000-0000-0000-000000000401', 'milepost', '', 'msg_1', 'report', 'stored', NULL,
    '{}', '{"content-type": "application/json"}', '', '{"version": 1}', '\x01', 14,
    '2026-01-01 10:09Z'
),
(
    '00000000-0000-0000-0000-000000000402', 'github', 'team-a', 'guid', 'workflow_job',
    'quarantined', 'id: Not an integer.', '{sanitized}', '{}', '', '\x00ff', '\x02', 2,
    '2026-01-01 11:00Z'
),
(
    '00000000-0000-0000-0000-000000000403', 'packer', '', 'sha', 'manifest', 'ignored', 'pruned',
    '{}', '{}', 'build_number=x', NULL, '\x03', 900, '2025-01-01 10:00Z'
);
INSERT INTO events (delivery_id, place, build_id, source, run_key, statement, manifest)
VALUES (
    '00000000-0000-0000-0000-000000000401', 0, '00000000-0000-0000-0000-000000000101', 'milepost',
    'run-1',
    '{"run": {"key": "run-1", "attempt": 1}, "events": [
        {"kind": "stage", "at": "2026-01-01T10:05:00+00:00", "status": "failed", "stage": "Storage",
         "failure": {"type": "provisioner", "message": "no route to host", "component": "ansible"}},
        {"kind": "build", "at": "2026-01-01T10:09:00+00:00", "status": "failed"}],
      "said": {"project": "core", "platform": "aws-commercial", "os_version": "rhel-8.8",
               "image_type": "hana"}, "created_by": "ada"}',
    '{"builds": [{"name": "base", "custom_data": {"note": "10.10"}}], "last_run_uuid": "u"}'
);
INSERT INTO run_keys (run_key, build_id)
VALUES ('run-1', '00000000-0000-0000-0000-000000000101');
INSERT INTO artifacts (
    id, build_id, place, attempt, artifact_id, region, builder_type, name, packer_run_uuid,
    build_time, files, custom_data
)
VALUES (
    '00000000-0000-0000-0000-000000000501', '00000000-0000-0000-0000-000000000101', 0, 1, 'ami-1',
    'us-east-1', 'amazon-ebs', 'base', 'u', '2026-01-01 10:08Z', '[{"name": "a", "size": 1}]',
    '{"note": "10.10"}'
);
