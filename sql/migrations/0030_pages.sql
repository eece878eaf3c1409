-- What the pages ask, so that each costs the same however long the history is. A combination is
-- project, platform, OS version and image type; no project counts as the nil id.

CREATE INDEX idx_builds_latest ON builds (
    coalesce(project_id, '00000000-0000-0000-0000-000000000000'),
    platform_id, os_version_id, image_type_id, created_at DESC, id DESC
);
CREATE INDEX idx_builds_latest_completed ON builds (
    coalesce(project_id, '00000000-0000-0000-0000-000000000000'),
    platform_id, os_version_id, image_type_id, created_at DESC, id DESC
) WHERE status = 'completed';
CREATE INDEX idx_builds_running ON builds (created_at DESC, id DESC) WHERE status = 'running';
CREATE INDEX idx_build_failures_open
    ON build_failures (created_at DESC, id DESC) WHERE resolved IS NOT TRUE;
CREATE INDEX idx_build_failures_resolved
    ON build_failures (resolved_at DESC, id DESC) WHERE resolved;
