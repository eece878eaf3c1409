-- concurrently
-- The builds that have ended, oldest first: what pruning of facts looks for.

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_builds_ended
ON builds (end_time, id) WHERE status IN ('completed', 'failed', 'cancelled');
