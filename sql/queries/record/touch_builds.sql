-- Note a heartbeat: the build's sender is alive, and will send another one.
UPDATE builds
SET
    last_heard_at = GREATEST(last_heard_at, %(at)s),
    heartbeat_at = GREATEST(heartbeat_at, %(at)s)
WHERE build_number = ANY(%(build_numbers)s)
