INSERT INTO refusals (hour, source, sender, reason, code, detail, count, last_at)
VALUES (
    '2026-01-08 10:00Z', 'github', 'team-a', 'wrong-signature', 'unauthorized',
    'Invalid signature', 3, '2026-01-08 10:05Z'
);
