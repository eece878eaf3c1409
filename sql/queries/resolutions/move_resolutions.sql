-- Give failures the resolutions that were written about them under another id; the rows that are
-- there under the old ids are other failures.
WITH given AS (
    SELECT *
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
        id uuid, old_id uuid, resolved boolean, resolution_notes text, resolved_at timestamptz
    )
)
UPDATE build_failures
SET
    resolved = coalesce(given.resolved, false),
    resolution_notes = given.resolution_notes,
    resolved_at = given.resolved_at
FROM (
    SELECT failures.id, moved.resolved, moved.resolution_notes, moved.resolved_at
    FROM build_failures AS failures
    LEFT JOIN given AS moved ON moved.id = failures.id
    WHERE failures.id IN (SELECT id FROM given UNION SELECT old_id FROM given)
) AS given
WHERE build_failures.id = given.id
