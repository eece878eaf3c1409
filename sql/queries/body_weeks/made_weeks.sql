-- The tables of weeks of bodies: name, first_id, end_id (the first id of the next week).
SELECT
    pg_class.relname::text AS name,
    substring(bounds.text FROM 'FROM \(''([0-9a-f-]{36})''\)')::uuid AS first_id,
    substring(bounds.text FROM 'TO \(''([0-9a-f-]{36})''\)')::uuid AS end_id
FROM pg_inherits
JOIN pg_class ON pg_class.oid = pg_inherits.inhrelid
CROSS JOIN LATERAL pg_get_expr(pg_class.relpartbound, pg_class.oid) AS bounds (text)
WHERE pg_inherits.inhparent = 'bodies'::regclass AND bounds.text <> 'DEFAULT'
ORDER BY end_id
