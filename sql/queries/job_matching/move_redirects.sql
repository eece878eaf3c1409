-- Numbers that led to a route's build lead to the hook's.
UPDATE build_redirects SET build_id = %(build_id)s WHERE build_id = %(native_id)s
