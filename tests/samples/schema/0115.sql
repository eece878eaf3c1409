INSERT INTO notice_causes (id, type, at, build_id, attempt)
SELECT '00000000-0000-0000-0000-000000000001', 'failed', now(), id, 1 FROM builds LIMIT 1;
INSERT INTO notices (id, notice, key, type, at, created_at, window_at, is_late, subject, facts, status, batch_id)
VALUES (
    '00000000-0000-0000-0000-000000000002', 'night', 'failed/a', 'failed', now(), now(), now(), false,
    'core/aws/rhel-9/base', '{"build_number": "a"}', 'told', '00000000-0000-0000-0000-000000000003'
);
INSERT INTO notice_messages
(id, batch_id, notice, target_kind, target_key, title, body, document, created_at, next_at)
VALUES (
    '00000000-0000-0000-0000-000000000004', '00000000-0000-0000-0000-000000000003', 'night', 'slack',
    'd0', 'a failed', 'no route', '{"type": "failed"}', now(), now()
);
INSERT INTO notice_digests (notice, rule, due_at) VALUES ('night', '07:00 UTC', now());
