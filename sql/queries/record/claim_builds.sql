-- Hooks name these builds: they are no longer a route's alone.
UPDATE builds
SET native = false
WHERE id = ANY(%(build_ids)s::uuid[]) AND native
