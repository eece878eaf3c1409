-- The builds of these numbers, or those that they turned out to be: build_number, id.
SELECT build_number, id
FROM builds
WHERE build_number = ANY(%(numbers)s)
UNION ALL
SELECT build_number, build_id
FROM build_redirects
WHERE build_number = ANY(%(numbers)s)
