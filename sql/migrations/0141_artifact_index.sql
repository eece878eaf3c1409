-- concurrently
-- Which builds made an artifact. An id may have 2,000 characters, more than an entry of an index
-- holds; one of "" names nothing.

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_artifacts_artifact_id
ON artifacts (left(artifact_id, 200), region) WHERE artifact_id <> '';
