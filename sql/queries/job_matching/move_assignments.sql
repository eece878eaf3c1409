-- What people assigned of a route's build is the hook's.
UPDATE channel_assignments SET build_id = %(build_id)s WHERE build_id = %(native_id)s
