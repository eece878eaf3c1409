-- The build of a number, or the one that it turned out to be: id.
SELECT id FROM builds WHERE build_number = %(build_number)s
UNION ALL
SELECT build_id FROM build_redirects WHERE build_number = %(build_number)s
LIMIT 1
