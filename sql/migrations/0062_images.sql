-- The latest good image is the one that was completed last, however early its build was made known.

DROP INDEX idx_builds_latest_completed;
CREATE INDEX idx_builds_latest_completed ON builds (
    coalesce(project_id, '00000000-0000-0000-0000-000000000000'),
    platform_id, os_version_id, image_type_id, coalesce(end_time, created_at) DESC, id DESC
) WHERE status = 'completed';
