-- What was assigned to a channel is its again.
UPDATE channel_assignments SET channel_id = %(channel_id)s WHERE id = ANY(%(ids)s::uuid[])
