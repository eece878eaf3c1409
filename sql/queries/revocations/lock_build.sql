-- Lock a build, so that one transaction at a time decides about it.
SELECT id
FROM builds
WHERE
    id = (
        SELECT id FROM builds WHERE build_number = %(build_number)s
        UNION ALL
        SELECT build_id FROM build_redirects WHERE build_number = %(build_number)s
        LIMIT 1
    )
FOR NO KEY UPDATE
