-- Keep what a delivery says about one job of a forge.
INSERT INTO events (
    delivery_id, place, source, run_key, statement, native, alias_key, began_at, ended_at,
    native_number, run_group
)
VALUES (
    %(delivery_id)s, %(place)s, %(source)s, %(run_key)s, %(statement)s, true, %(alias_key)s,
    %(began_at)s, %(ended_at)s, %(native_number)s, %(run_group)s
)
