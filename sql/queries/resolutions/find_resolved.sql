-- What people wrote about failures of builds.
SELECT
    id, build_id, stage, occurrence, failure_type, error_message, created_at, resolved,
    resolution_notes, resolved_at
FROM build_failures
WHERE build_id = ANY(%(build_ids)s::uuid[]) AND (resolved OR resolution_notes IS NOT NULL)
