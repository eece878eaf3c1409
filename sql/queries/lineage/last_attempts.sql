-- The last attempts of builds that say what they started from: build_number, build_id, attempt.
SELECT build_number, id AS build_id, attempt
FROM builds
WHERE
    build_number = ANY(%(build_numbers)s)
    AND EXISTS (
        SELECT FROM build_sources AS sources
        WHERE sources.build_id = builds.id AND sources.attempt = builds.attempt
    )
