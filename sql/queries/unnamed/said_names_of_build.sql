-- The raw names that reports of one build have: build_id, is_routed, names.
SELECT
    builds.id AS build_id, builds.native AS is_routed,
    (
        SELECT events.statement -> 'names'
        FROM events
        WHERE events.build_id = builds.id AND events.statement -> 'names' IS NOT NULL
        LIMIT 1
    ) AS names
FROM builds
WHERE builds.build_number = %(build_number)s
