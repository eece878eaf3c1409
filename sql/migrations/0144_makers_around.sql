-- As before, but of a name or a path that many builds have used only the 20 that were made known before
-- the child, and the 20 after it, are looked at.
CREATE OR REPLACE FUNCTION build_of_source(
    of_artifact text, of_region text, child uuid, child_attempt integer
) RETURNS TABLE (build_id uuid, attempt integer) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT makers.build_id, makers.attempt
    FROM builds AS children
    CROSS JOIN LATERAL (
        (
            SELECT artifacts.build_id, artifacts.attempt, artifacts.region, artifacts.files
            FROM artifacts
            WHERE
                left(artifacts.artifact_id, 200) = left(of_artifact, 200)
                AND artifacts.artifact_id = of_artifact
                AND artifacts.artifact_id <> ''
                AND (artifacts.region = of_region OR artifacts.region IS NULL OR of_region IS NULL)
                AND artifacts.build_id <= child
            ORDER BY artifacts.build_id DESC
            LIMIT 20
        )
        UNION ALL
        (
            SELECT artifacts.build_id, artifacts.attempt, artifacts.region, artifacts.files
            FROM artifacts
            WHERE
                left(artifacts.artifact_id, 200) = left(of_artifact, 200)
                AND artifacts.artifact_id = of_artifact
                AND artifacts.artifact_id <> ''
                AND (artifacts.region = of_region OR artifacts.region IS NULL OR of_region IS NULL)
                AND artifacts.build_id > child
            ORDER BY artifacts.build_id
            LIMIT 20
        )
    ) AS makers
    JOIN builds ON builds.id = makers.build_id
    WHERE
        children.id = child
        AND NOT (makers.build_id = child AND makers.attempt >= child_attempt)
        AND (
            builds.project_id IS NOT DISTINCT FROM children.project_id
            OR NOT makers.files @> jsonb_build_array(jsonb_build_object('name', of_artifact))
        )
    ORDER BY
        makers.region IS NOT DISTINCT FROM of_region DESC,
        builds.project_id IS NOT DISTINCT FROM children.project_id DESC,
        builds.status = 'completed' DESC,
        coalesce(builds.start_time <= children.start_time, false) DESC,
        CASE WHEN builds.start_time <= children.start_time THEN builds.start_time END DESC,
        builds.start_time, builds.build_number, makers.attempt DESC
    LIMIT 1
$$;
