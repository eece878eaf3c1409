-- Claims of jobs whose reports belong to other builds by now.
DELETE FROM run_keys
USING jsonb_to_recordset(%(rows)s::jsonb) AS given (number text, run_key text, own uuid, builds uuid[])
WHERE
    run_keys.run_key = given.run_key
    AND (
        (
            run_keys.joined = given.number
            AND run_keys.job_number IS NULL
            AND run_keys.build_id <> ALL(given.builds)
        )
        OR (
            run_keys.build_id = given.own
            AND NOT EXISTS (
                SELECT FROM events
                WHERE
                    events.build_id = given.own
                    AND events.run_key = given.run_key
                    AND NOT events.native
            )
        )
    )
