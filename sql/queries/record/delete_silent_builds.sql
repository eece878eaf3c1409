-- Remove those of these builds that nothing speaks of any more.
DELETE FROM builds
WHERE
    id = ANY(%(build_ids)s::uuid[])
    AND NOT EXISTS (SELECT FROM events WHERE events.build_id = builds.id)
