-- The builds of targets for which a wrapper says these plain numbers: number, run_key, build_id,
-- targets, projects.
SELECT job_number AS number, run_key, build_id, coalesce(targets, 1) AS targets, projects
FROM run_keys
WHERE job_number = ANY(%(numbers)s)
