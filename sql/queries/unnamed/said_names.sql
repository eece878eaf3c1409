-- The raw names that reports of builds have: build_id, names, is_routed (only a route made it).
SELECT
    builds.id AS build_id, builds.native AS is_routed,
    (
        SELECT events.statement -> 'names'
        FROM events
        WHERE events.build_id = builds.id AND events.statement -> 'names' IS NOT NULL
        LIMIT 1
    ) AS names
FROM builds
WHERE builds.id = ANY(%(build_ids)s::uuid[])
