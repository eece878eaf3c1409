INSERT INTO audit (id, who, via, action, target_kind, target_name, before, after)
VALUES (
    '01900000-0000-7000-8000-000000000401', 'ada', 'token', 'failure.resolve', 'failure', 'core-1',
    '{"resolved": false}', '{"resolved": true, "notes": "the route was missing"}'
);
