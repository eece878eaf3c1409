-- The attempts of a build that made something, and its last one: build_id, attempt.
SELECT id AS build_id, attempt FROM builds WHERE id = %(build_id)s
UNION
SELECT build_id, attempt FROM artifacts WHERE build_id = %(build_id)s
