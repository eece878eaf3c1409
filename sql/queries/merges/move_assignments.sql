-- What was assigned to a channel is the other one's.
UPDATE channel_assignments SET channel_id = %(target_id)s WHERE channel_id = %(id)s RETURNING id
