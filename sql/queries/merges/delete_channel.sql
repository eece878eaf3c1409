-- Remove a channel that is another one now.
DELETE FROM channels WHERE id = %(id)s
