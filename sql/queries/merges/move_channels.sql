-- The channels of a project are the other one's.
UPDATE channels SET project_id = %(target_id)s WHERE project_id = %(source_id)s RETURNING id
