-- Take every revocation of a build back that holds or will: reason, at, descendants, revoked_by.
UPDATE revocations
SET restored_at = now(), restored_by = %(restored_by)s
WHERE build_id = %(build_id)s AND restored_at IS NULL
RETURNING reason, at, descendants, revoked_by
