-- The body of a delivery whose week has no table, and one of each week that has.
INSERT INTO bodies (delivery_id, body, encoding)
VALUES ('00000000-0000-0000-0000-000000000403', 'as it came', NULL);
INSERT INTO bodies (delivery_id, body)
SELECT
    (
        lpad(to_hex((extract(EPOCH FROM now()) * 1000)::bigint + week * 604800000::bigint), 12, '0')
        || repeat('0', 20)
    )::uuid,
    'of its week'
FROM generate_series(0, 4) AS week;
