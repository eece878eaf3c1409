-- What a forge says of whole runs: run_key, delivery_id, place, source, statement as a text, native,
-- alias_key, projects.
SELECT
    run_key, delivery_id, place, source, statement::text AS statement, native, alias_key, projects
FROM events
WHERE native AND run_key = ANY(%(run_groups)s)
