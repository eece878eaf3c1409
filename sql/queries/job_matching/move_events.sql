-- What belonged to a route's build belongs to the hook's.
UPDATE events SET build_id = %(build_id)s WHERE build_id = %(native_id)s
