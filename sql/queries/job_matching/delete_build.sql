-- Remove a route's build, which is another's now.
DELETE FROM builds WHERE id = %(native_id)s
