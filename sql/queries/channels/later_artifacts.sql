-- The artifacts that builds have by now in these attempts, which may be served: build_id, attempt, and
-- what an assignment keeps of an artifact.
SELECT artifacts.build_id, artifacts.attempt, to_jsonb(artifacts) AS artifact
FROM jsonb_to_recordset(%(rows)s::jsonb) AS pinned (build_id uuid, attempt integer)
JOIN artifacts
    ON artifacts.build_id = pinned.build_id AND artifacts.attempt = pinned.attempt
WHERE
    artifacts.kind IS DISTINCT FROM 'resumable'
    AND (artifacts.expires_at IS NULL OR artifacts.expires_at > now())
ORDER BY artifacts.build_id, artifacts.place
