-- All that was said of a build; shared: of a job that several builds share.
SELECT delivery_id, place, source, statement, false AS shared
FROM events
WHERE build_id = %(build_id)s
UNION ALL
SELECT events.delivery_id, events.place, events.source, events.statement, true
FROM run_keys
JOIN events ON events.native AND events.run_key = run_keys.run_key
WHERE run_keys.build_id = %(build_id)s AND events.build_id IS NULL
UNION
SELECT events.delivery_id, events.place, events.source, events.statement, true
FROM run_keys
JOIN events ON events.native AND events.alias_key = run_keys.run_key
WHERE
    run_keys.build_id = %(build_id)s
    AND events.build_id IS NULL
    AND run_keys.last_at >= events.began_at
    AND run_keys.first_at <= coalesce(events.ended_at, 'infinity')
