-- The artifacts of an id, and of a region unless none is asked for or said; the newest first, at most
-- 100. `latest_attempt` is the last of the build, whose status is told.
SELECT
    artifacts.artifact_id, artifacts.region, artifacts.attempt, artifacts.kind, artifacts.name,
    artifacts.expires_at, builds.build_number, builds.project, builds.platform, builds.os_version,
    builds.image_type, builds.status, builds.attempt AS latest_attempt,
    coalesce(artifacts.expires_at <= now(), false) AS is_expired,
    EXISTS (
        SELECT FROM revocation_of_build(builds.id, artifacts.attempt, now()) AS found
        WHERE found.kind = 'revoked'
    ) AS is_revoked,
    coalesce(
        CASE WHEN builds.future THEN builds.created_at ELSE builds.end_time END, builds.created_at
    ) AS built_at
FROM artifacts
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = artifacts.build_id LIMIT 1
) AS builds
WHERE
    left(artifacts.artifact_id, 200) = left(%(artifact_id)s, 200)
    AND artifacts.artifact_id = %(artifact_id)s
    AND artifacts.artifact_id <> ''
    AND (%(region)s::text IS NULL OR artifacts.region IS NULL OR artifacts.region = %(region)s)
    AND (%(projects)s::text[] IS NULL OR builds.project = ANY(%(projects)s::text[]))
ORDER BY built_at DESC, builds.build_number, artifacts.attempt DESC, artifacts.place
LIMIT 100
