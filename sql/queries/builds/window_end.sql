-- The last of the next 10,000 builds behind a position, if there are so many: created_at, id.
SELECT created_at, id
FROM builds
WHERE
    %(after_time)s::timestamptz IS NULL
    OR (created_at, id) < (%(after_time)s::timestamptz, %(after_id)s::uuid)
ORDER BY created_at DESC, id DESC
OFFSET 9999
LIMIT 1
