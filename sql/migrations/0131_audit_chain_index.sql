-- concurrently
-- One entry for each place in the chain: two that were added at once cannot both follow one.

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idx_audit_seq ON audit (seq) WHERE seq IS NOT NULL;
