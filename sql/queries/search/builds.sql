-- Builds whose number, commit or artifact begins with a text, at most 20 of each kind: found, what of
-- it, and the build. `past` is the first text behind all that begin so. Of `projects`, null for every
-- one: then at most 1,000 of each kind are looked at.
SELECT found.kind, found.what, builds.build_number, builds.project, builds.platform,
    builds.os_version, builds.image_type, builds.status, builds.current_state,
    builds.start_time, coalesce(builds.estimated, false) AS estimated
FROM (
    (
        SELECT 'build' AS kind, build_number AS what, id
        FROM builds
        WHERE build_number ~>=~ %(text)s AND build_number ~<~ %(past)s
        ORDER BY build_number USING ~<~
        LIMIT CASE WHEN %(projects)s::text [] IS NULL THEN 20 ELSE 1000 END
    )
    UNION ALL
    (
        SELECT 'commit', commit_sha, id
        FROM builds
        WHERE
            commit_sha IS NOT NULL
            AND left(commit_sha, 64) ~>=~ left(lower(%(text)s), 64)
            AND left(commit_sha, 64) ~<~ left(lower(%(past)s), 64)
        ORDER BY left(commit_sha, 64) USING ~<~
        LIMIT CASE WHEN %(projects)s::text [] IS NULL THEN 20 ELSE 1000 END
    )
    UNION ALL
    (
        SELECT 'artifact', artifact_id, build_id
        FROM artifacts
        WHERE
            left(artifact_id, 200) ~>=~ %(text)s AND left(artifact_id, 200) ~<~ %(past)s
        ORDER BY left(artifact_id, 200) USING ~<~
        LIMIT CASE WHEN %(projects)s::text [] IS NULL THEN 20 ELSE 1000 END
    )
) AS found
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = found.id LIMIT 1
) AS builds
WHERE %(projects)s::text [] IS NULL OR builds.project = ANY(%(projects)s)
ORDER BY found.kind, found.what, builds.created_at DESC
