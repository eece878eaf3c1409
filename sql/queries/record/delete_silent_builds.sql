-- Delete those of these builds that have no event left: id.
DELETE FROM builds
WHERE
    id = ANY(%(build_ids)s::uuid[])
    AND NOT EXISTS (SELECT FROM events WHERE events.build_id = builds.id)
RETURNING id
