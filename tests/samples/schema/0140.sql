INSERT INTO build_sources (id, build_id, place, attempt, artifact_id, region)
VALUES (
    '00000000-0000-0000-0000-000000000701', '00000000-0000-0000-0000-000000000101', 0, 1,
    'ami-0123456789abcdef0', 'us-east-1'
);
INSERT INTO build_checks (id, build_id, place, attempt, name, kind, status, at, counts, fixable)
VALUES (
    '00000000-0000-0000-0000-000000000702', '00000000-0000-0000-0000-000000000101', 0, 1,
    'trivy', 'scan', 'failed', '2026-01-08 10:05Z', '{"critical": 2}', '{"critical": 1}'
);
