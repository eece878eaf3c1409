-- The platform of a build that states none, such as one that failed before its manifest: where all
-- other builds of its project, OS version and image type are of one platform, it is that one. It is
-- found anew with each reading, and is never written: the next build may tell of a second platform.

-- Reads one entry of idx_builds_latest for each platform.
CREATE FUNCTION platform_of_image(
    of_project uuid, of_os_version uuid, of_image_type uuid
) RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN count(*) = 1 THEN min(known.id::text)::uuid END
    FROM (
        SELECT platforms.id
        FROM platforms
        WHERE
            platforms.name <> 'unknown'
            AND EXISTS (
                SELECT FROM builds
                WHERE
                    coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
                    = coalesce(of_project, '00000000-0000-0000-0000-000000000000')
                    AND builds.platform_id = platforms.id
                    AND builds.os_version_id = of_os_version
                    AND builds.image_type_id = of_image_type
            )
        LIMIT 2
    ) AS known
$$;

CREATE FUNCTION with_resolved(
    inferred jsonb, is_resolved boolean
) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN is_resolved THEN coalesce(inferred, '{}') || '{"platform": "earlier builds"}'
        ELSE inferred
    END
$$;

CREATE OR REPLACE VIEW named_builds AS
SELECT
    builds.id, builds.build_number, projects.name AS project, platforms.name AS platform,
    os_versions.name AS os_version, image_types.name AS image_type, builds.current_state,
    builds.status, builds.attempt, builds.start_time, builds.end_time, builds.duration_seconds,
    builds.created_by, builds.run_url, builds.commit_sha, builds.branch, builds.resume_state,
    builds.resumed_from, builds.packer_manifest, builds.created_at, builds.last_heard_at,
    builds.heartbeat_at, platforms.cloud_provider, os_versions.major_version,
    os_versions.minor_version, builds.project_id, platforms.id AS platform_id,
    builds.os_version_id, builds.image_type_id, builds.default_branch, builds.pull_request,
    builds.conflict, with_resolved(builds.inferred, platforms.id <> own.id) AS inferred,
    builds.unstable, builds.future, builds.estimated
FROM builds
JOIN platforms AS own ON own.id = builds.platform_id
JOIN os_versions ON os_versions.id = builds.os_version_id
JOIN image_types ON image_types.id = builds.image_type_id
JOIN platforms ON platforms.id = CASE
    WHEN own.name = 'unknown' AND 'unknown' NOT IN (os_versions.name, image_types.name)
        THEN coalesce(
            platform_of_image(builds.project_id, builds.os_version_id, builds.image_type_id), own.id
        )
    ELSE own.id
END
LEFT JOIN projects ON projects.id = builds.project_id;
