-- Mark waiting news as told by a batch of messages, all of it or none: id.
UPDATE notices
SET status = 'told', reason = NULL, batch_id = %(batch_id)s
WHERE
    id = ANY(%(ids)s::uuid[])
    AND cardinality(%(ids)s::uuid[]) = (
        SELECT count(*) FROM notices WHERE id = ANY(%(ids)s::uuid[]) AND status = 'waiting'
    )
RETURNING id
