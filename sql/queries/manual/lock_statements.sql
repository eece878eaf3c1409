-- Lock the manual statements about a build; a replay locks them before the build, too.
SELECT run_key
FROM run_keys
WHERE
    run_key = 'api'
    AND build_id = (
        SELECT id FROM builds WHERE build_number = %(build_number)s
        UNION ALL
        SELECT build_id FROM build_redirects WHERE build_number = %(build_number)s
        LIMIT 1
    )
FOR UPDATE
