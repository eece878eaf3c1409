-- concurrently
-- The deliveries that still have a body, oldest first: what pruning looks for.

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_deliveries_kept_bodies
ON deliveries (received_at, id) WHERE body IS NOT NULL;
