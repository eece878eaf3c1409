-- What people revoked of a route's build is the hook's.
UPDATE revocations SET build_id = %(build_id)s WHERE build_id = %(native_id)s
