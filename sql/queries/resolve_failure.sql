-- Note what a person says of a failure: build_number.
UPDATE build_failures
SET
    resolved = %(resolved)s,
    resolution_notes = %(notes)s,
    resolved_at = CASE WHEN %(resolved)s THEN now() END
FROM builds
WHERE build_failures.id = %(id)s AND builds.id = build_failures.build_id
RETURNING builds.build_number
