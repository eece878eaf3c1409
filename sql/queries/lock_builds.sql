-- Lock builds until the transaction ends, in one order: id, build_number, manifest_sha256.
SELECT id, build_number, manifest_sha256
FROM builds
WHERE id = ANY(%(build_ids)s)
ORDER BY id
FOR NO KEY UPDATE -- events that others add meanwhile hold a key share lock
