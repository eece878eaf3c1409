-- A page of changes, newest first, behind a position; each filter may be null.
SELECT id, at, who, via, action, target_kind, target_id, target_name, before, after
FROM audit
WHERE
    (%(target_kind)s::text IS NULL OR target_kind = %(target_kind)s)
    AND (%(target_name)s::text IS NULL OR target_name = %(target_name)s)
    AND (%(who)s::text IS NULL OR who = %(who)s)
    AND (
        %(after_time)s::timestamptz IS NULL
        OR (at, id) < (%(after_time)s::timestamptz, %(after_id)s::uuid)
    )
ORDER BY at DESC, id DESC
LIMIT %(limit)s
