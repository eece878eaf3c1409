-- What tells whether the same was said of a build as before: total (of the fingerprints of its
-- rows), shared (whether a job that several builds share may be of it).
SELECT
    coalesce(
        sum(uuid_hash_extended(delivery_id, place::bigint << 32 | xmin::text::bigint)), 0
    ) AS total,
    EXISTS (
        SELECT FROM run_keys
        JOIN events ON
            events.native
            AND (events.run_key = run_keys.run_key OR events.alias_key = run_keys.run_key)
        WHERE run_keys.build_id = %(build_id)s AND events.build_id IS NULL
    )
    OR EXISTS (
        SELECT FROM run_keys
        JOIN events ON events.job_number IN (run_keys.job_number, run_keys.joined)
        WHERE run_keys.build_id = %(build_id)s AND events.build_id IS NULL
    ) AS shared
FROM events
WHERE build_id = %(build_id)s
