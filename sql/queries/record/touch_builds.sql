-- Note a heartbeat: the build's sender is alive, and will send another one. Under a plain number it is
-- of the builds of Packer's targets, where their senders may write the same projects.
UPDATE builds
SET
    last_heard_at = GREATEST(last_heard_at, %(at)s),
    heartbeat_at = GREATEST(heartbeat_at, %(at)s)
FROM (
    SELECT id FROM builds
    WHERE
        build_number = ANY(%(build_numbers)s)
        OR id IN (
            SELECT build_id FROM run_keys
            WHERE
                job_number = ANY(%(build_numbers)s)
                AND projects IS NOT DISTINCT FROM %(projects)s::text[]
        )
    ORDER BY id
    FOR NO KEY UPDATE
) AS heard
WHERE builds.id = heard.id
