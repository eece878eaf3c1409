-- Builds without events keep their rows, whatever the fold's version.
UPDATE builds SET fold_version = %(version)s, folded_at = written_at WHERE id = ANY(%(build_ids)s::uuid[])
