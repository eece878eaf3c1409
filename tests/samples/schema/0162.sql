INSERT INTO senders (source, name, projects, secrets, created_at, created_by)
VALUES (
    'packer', 'team-a', '{core}',
    '{sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}',
    '2026-01-08 10:00Z', 'ada'
);
