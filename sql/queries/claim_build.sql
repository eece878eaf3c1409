-- A hook names the build: it is no longer a route's alone.
UPDATE builds
SET native = false
WHERE id = %(build_id)s AND native
