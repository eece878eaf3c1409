-- The last of the next 10,000 builds behind a position, if there are more: created_at, id.
SELECT created_at, id
FROM builds
WHERE
    %(created_at)s::timestamptz IS NULL
    OR (created_at, id) < (%(created_at)s::timestamptz, %(id)s::uuid)
ORDER BY created_at DESC, id DESC
OFFSET 9999
LIMIT 1
