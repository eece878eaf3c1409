-- concurrently
-- The newest completed builds of an image, those of pull requests left out: a repository may have
-- hundreds of them for each build that is served. A build whose end is in the future has the place of
-- the moment when it was made known, or it would be the newest for ever. The release before still
-- reads idx_builds_latest_completed.

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_builds_images ON builds (
    coalesce(project_id, '00000000-0000-0000-0000-000000000000'),
    platform_id, os_version_id, image_type_id,
    coalesce(CASE WHEN future THEN created_at ELSE end_time END, created_at) DESC, id DESC
) WHERE status = 'completed' AND pull_request IS NULL;
