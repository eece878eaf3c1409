-- concurrently
-- Artifacts by the beginning of their id, which may be a long text: an index holds 200 characters.

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_artifacts_search
ON artifacts (left(artifact_id, 200) text_pattern_ops);
