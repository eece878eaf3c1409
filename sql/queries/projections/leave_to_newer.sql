-- Note that a newer fold wrote these builds before they had their last events: its refold finds them.
UPDATE builds SET folded_at = NULL WHERE id = ANY(%(build_ids)s::uuid[])
