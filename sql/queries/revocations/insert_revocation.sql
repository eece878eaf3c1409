-- Revoke a build: id, at.
INSERT INTO revocations (id, build_id, reason, at, descendants, replacement_id, revoked_by, revoked_at)
VALUES (
    %(id)s, %(build_id)s, %(reason)s, coalesce(%(at)s::timestamptz, now()), %(descendants)s,
    %(replacement_id)s, %(revoked_by)s, now()
)
RETURNING id, at
