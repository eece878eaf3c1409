-- Delete those of these builds that have no event left, and about which people decided nothing: id.
DELETE FROM builds
WHERE
    id = ANY(%(build_ids)s::uuid[])
    AND NOT EXISTS (SELECT FROM events WHERE events.build_id = builds.id)
    AND NOT is_build_kept(builds.id)
RETURNING id
