-- Let one transaction at a time change these channels, taken in one order: id.
SELECT id FROM channels WHERE id = ANY(%(channel_ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE
