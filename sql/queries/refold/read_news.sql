-- What deliveries said of a build since one of them: delivery_id, place, source, statement as a
-- text, native, alias_key, projects, fingerprint (as in read_events.sql).
SELECT
    delivery_id, place, source, statement::text AS statement, native, alias_key, projects,
    uuid_hash_extended(delivery_id, place::bigint << 32 | xmin::text::bigint) AS fingerprint
FROM events
WHERE build_id = %(build_id)s AND delivery_id >= %(since)s
