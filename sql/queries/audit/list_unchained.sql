-- The next entries that are of no chain, as older releases write them, behind a position, oldest first.
SELECT id, at, who, via, action, target_kind, target_id, target_name, before, after
FROM audit
WHERE seq IS NULL AND (at, id) > (%(at)s::timestamptz, %(id)s::uuid)
ORDER BY at, id
LIMIT %(limit)s
