-- concurrently
-- Which builds made an artifact, in the order in which they were made known: a name or a path may have
-- been used a thousand times, of which a child needs those around it.

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_artifacts_makers
ON artifacts (left(artifact_id, 200), build_id) WHERE artifact_id <> '';
DROP INDEX CONCURRENTLY IF EXISTS idx_artifacts_artifact_id;
