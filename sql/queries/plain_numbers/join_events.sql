-- What a job states itself belongs to the build of the only target, or is shared by several.
UPDATE events
SET job_number = given.number, build_id = given.build_id, shared_with = given.shared
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    number text, run_key text, projects text[], own uuid, build_id uuid, shared uuid[]
)
WHERE
    NOT events.native
    AND events.run_key = given.run_key
    AND events.projects IS NOT DISTINCT FROM given.projects
    AND (
        events.job_number = given.number
        OR (
            events.build_id = given.own
            AND events.job_number IS NULL
            AND NOT events.statement #> '{run}' ? 'number'
        )
    )
    AND (
        events.job_number IS DISTINCT FROM given.number
        OR events.build_id IS DISTINCT FROM given.build_id
        OR events.shared_with IS DISTINCT FROM given.shared
    )
