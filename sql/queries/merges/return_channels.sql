-- Channels are their first project's again.
UPDATE channels SET project_id = %(source_id)s WHERE id = ANY(%(ids)s::uuid[])
