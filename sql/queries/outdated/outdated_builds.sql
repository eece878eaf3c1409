-- A batch of builds behind an id that an older fold wrote last, or a release that knows no version of
-- the stage map: id.
SELECT id
FROM builds
WHERE
    id > %(after)s
    AND (
        coalesce(fold_version, 1) < %(version)s
        OR (
            fold_version = %(version)s
            AND (
                folded_at IS DISTINCT FROM written_at
                OR (map_version IS NOT NULL AND mapped_at IS DISTINCT FROM written_at)
            )
        )
    )
ORDER BY id
LIMIT %(limit)s
