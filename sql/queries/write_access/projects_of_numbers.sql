-- The projects of the builds of these numbers: project_id, null where a build has none.
SELECT project_id FROM builds WHERE build_number = ANY(%(build_numbers)s)
