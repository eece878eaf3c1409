INSERT INTO channels (id, project_id, name, restricted, require, created_by)
SELECT '01900000-0000-7000-8000-000000000125', project_id, 'prod', true, '[{"name": "trivy"}]', 'ada'
FROM builds LIMIT 1;
