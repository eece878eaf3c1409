-- concurrently
-- The completed builds of an image that made one, the newest first: those that only renewed it may be
-- thousands, and must not push it out of the newest builds that are looked at.

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_builds_made_images ON builds (
    coalesce(project_id, '00000000-0000-0000-0000-000000000000'),
    platform_id, os_version_id, image_type_id,
    coalesce(CASE WHEN future THEN created_at ELSE end_time END, created_at) DESC, id DESC
) WHERE status = 'completed' AND pull_request IS NULL AND unchanged IS NOT TRUE;
