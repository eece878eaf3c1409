-- Lock a build until the transaction ends: id, manifest_sha256.
SELECT id, manifest_sha256
FROM builds
WHERE build_number = %(build_number)s
FOR UPDATE
