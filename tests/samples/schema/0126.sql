INSERT INTO channel_assignments (
    id, channel_id, project_id, platform_id, os_version_id, image_type_id, build_id, attempt,
    artifacts, note, assigned_by
)
SELECT
    '01900000-0000-7000-8000-000000000126', '01900000-0000-7000-8000-000000000125', project_id,
    platform_id, os_version_id, image_type_id, id, 1, '[{"artifact_id": "ami-1", "region": "us-1"}]',
    'tested', 'ada'
FROM builds LIMIT 1;
