INSERT INTO channels (id, project_id, name, restricted, require, max_age, created_by)
SELECT '01900000-0000-7000-8000-000000000125', project_id, 'prod', true, '{trivy}', '7 days', 'ada'
FROM builds LIMIT 1;
