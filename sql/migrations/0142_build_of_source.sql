-- The build, and the attempt, that made the image from which an attempt of another build started;
-- no row where nobody here made it. Found anew with each reading. Where only one side says a region,
-- the id decides. An attempt may start from what an earlier one of its own build kept.
--
-- Names and paths are used again: then a build counts that began before the child did, the newest
-- one. The path of a local file says nothing about the files of another project.
CREATE FUNCTION build_of_source(
    of_artifact text, of_region text, child uuid, child_attempt integer
) RETURNS TABLE (build_id uuid, attempt integer) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT artifacts.build_id, artifacts.attempt
    FROM builds AS children
    JOIN artifacts
        ON left(artifacts.artifact_id, 200) = left(of_artifact, 200)
        AND artifacts.artifact_id = of_artifact
        AND artifacts.artifact_id <> ''
        AND (artifacts.region = of_region OR artifacts.region IS NULL OR of_region IS NULL)
    JOIN builds ON builds.id = artifacts.build_id
    WHERE
        children.id = child
        AND NOT (artifacts.build_id = child AND artifacts.attempt >= child_attempt)
        AND (
            builds.project_id IS NOT DISTINCT FROM children.project_id
            OR NOT artifacts.files @> jsonb_build_array(jsonb_build_object('name', of_artifact))
        )
    ORDER BY
        artifacts.region IS NOT DISTINCT FROM of_region DESC,
        builds.project_id IS NOT DISTINCT FROM children.project_id DESC,
        builds.status = 'completed' DESC,
        coalesce(builds.start_time <= children.start_time, false) DESC,
        CASE WHEN builds.start_time <= children.start_time THEN builds.start_time END DESC,
        builds.start_time, builds.build_number, artifacts.attempt DESC
    LIMIT 1
$$;
