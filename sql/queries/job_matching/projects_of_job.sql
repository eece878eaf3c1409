-- The projects that a hook says of its build, and that a route tells of the job: said, routed.
SELECT
    (
        SELECT max(coalesce(statement -> 'said' ->> 'project', statement -> 'custom' ->> 'project'))
        FROM events
        WHERE build_id = %(build_id)s AND NOT native
    ) AS said,
    (
        SELECT max(statement -> 'inferred' ->> 'project')
        FROM events
        WHERE native AND run_key = %(run_key)s AND native_number IS NOT NULL
    ) AS routed
