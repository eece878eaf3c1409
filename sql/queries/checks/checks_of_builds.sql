-- The last check of each name of the last attempts of builds: build_number, name, kind, status, at.
SELECT DISTINCT ON (builds.build_number, checks.name)
    builds.build_number, checks.name, checks.kind, checks.status, checks.at
FROM builds
JOIN build_checks AS checks ON checks.build_id = builds.id AND checks.attempt = builds.attempt
WHERE builds.build_number = ANY(%(numbers)s::text [])
ORDER BY builds.build_number, checks.name, checks.place DESC
