-- Every revocation of a build, newest first: reason, at, descendants, replacement, revoked_by,
-- revoked_at, restored_by, restored_at.
SELECT
    revocations.reason, revocations.at, revocations.descendants, builds.build_number AS replacement,
    revocations.revoked_by, revocations.revoked_at, revocations.restored_by, revocations.restored_at
FROM revocations
LEFT JOIN builds ON builds.id = revocations.replacement_id
WHERE revocations.build_id = %(build_id)s
ORDER BY revocations.revoked_at DESC
LIMIT 100
