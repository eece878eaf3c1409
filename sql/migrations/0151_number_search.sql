-- concurrently
-- Numbers of builds by their beginning: the unique index sorts by the database's language.

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_builds_number_search
ON builds (build_number text_pattern_ops);
