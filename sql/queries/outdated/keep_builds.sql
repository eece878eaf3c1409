-- Builds without events keep their rows, whatever the fold's version. A newer fold's stay its own.
UPDATE builds SET fold_version = %(version)s, folded_at = written_at, mapped_at = written_at
WHERE id = ANY(%(build_ids)s::uuid[]) AND coalesce(fold_version, 0) <= %(version)s
