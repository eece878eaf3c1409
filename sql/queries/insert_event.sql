-- Keep what a delivery says about one run of one build.
INSERT INTO events (delivery_id, place, build_id, source, run_key, statement, manifest)
VALUES (
    %(delivery_id)s, %(place)s, %(build_id)s, %(source)s, %(run_key)s,
    %(statement)s, %(manifest)s
)
