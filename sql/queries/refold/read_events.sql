-- All that was said of builds: build_id, delivery_id, place, source, statement as a text, native,
-- alias_key, projects, shared (of a job that several builds share), fingerprint (of the row and its
-- last change: see sum_events.sql).
SELECT
    build_id, delivery_id, place, source, statement::text AS statement, native, alias_key, projects,
    false AS shared,
    uuid_hash_extended(delivery_id, place::bigint << 32 | xmin::text::bigint) AS fingerprint
FROM events
WHERE build_id = ANY(%(build_ids)s::uuid[])
UNION ALL
SELECT
    jobs.build_id, events.delivery_id, events.place, events.source, events.statement::text,
    events.native, events.alias_key, events.projects, true, 0
FROM (
    SELECT run_keys.build_id, events.delivery_id, events.place
    FROM run_keys
    JOIN events ON events.native AND events.run_key = run_keys.run_key
    WHERE
        run_keys.build_id = ANY(%(build_ids)s::uuid[])
        AND events.build_id IS NULL
        AND (events.shared_with IS NULL OR run_keys.build_id = ANY(events.shared_with))
    UNION
    SELECT run_keys.build_id, events.delivery_id, events.place
    FROM run_keys
    JOIN events ON events.native AND events.alias_key = run_keys.run_key
    WHERE
        run_keys.build_id = ANY(%(build_ids)s::uuid[])
        AND events.build_id IS NULL
        AND (events.shared_with IS NULL OR run_keys.build_id = ANY(events.shared_with))
        AND run_keys.last_at >= events.began_at
        AND run_keys.first_at <= coalesce(events.ended_at, 'infinity')
) AS jobs
JOIN events ON events.delivery_id = jobs.delivery_id AND events.place = jobs.place
UNION ALL
SELECT
    named.build_id, events.delivery_id, events.place, events.source, events.statement::text,
    events.native, events.alias_key, events.projects, true, 0
FROM (
    SELECT build_id, job_number AS number
    FROM run_keys
    WHERE build_id = ANY(%(build_ids)s::uuid[]) AND job_number IS NOT NULL
    UNION
    SELECT build_id, joined
    FROM run_keys
    WHERE build_id = ANY(%(build_ids)s::uuid[]) AND joined IS NOT NULL
) AS named
JOIN events ON events.job_number = named.number
WHERE events.build_id IS NULL AND named.build_id = ANY(events.shared_with)
