-- concurrently
-- Commits by their beginning. A sender may say any text: an index holds 64 characters of it.

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_builds_commit_search
ON builds (left(commit_sha, 64) text_pattern_ops) WHERE commit_sha IS NOT NULL;
