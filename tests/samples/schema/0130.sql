UPDATE audit SET seq = 1, digest = '\x01' WHERE id = (SELECT id FROM audit ORDER BY id LIMIT 1);
