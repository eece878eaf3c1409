INSERT INTO revocations (id, build_id, reason, at, descendants, revoked_by)
SELECT '01900000-0000-7000-8000-000000000127', id, 'CVE-2026-1', '2026-02-01 00:00Z', false, 'ada'
FROM builds LIMIT 1;
