-- The builds of Packer's targets for which a wrapper says this plain number, at most 50:
-- build_number, project.
SELECT build_number, project
FROM named_builds
WHERE id IN (SELECT build_id FROM run_keys WHERE job_number = %(build_number)s)
ORDER BY build_number
LIMIT 50
