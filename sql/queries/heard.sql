-- A build's sender is alive.
UPDATE builds
SET last_heard_at = GREATEST(last_heard_at, %(at)s)
WHERE build_number = ANY(%(build_numbers)s)
