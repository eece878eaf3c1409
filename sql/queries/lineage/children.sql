-- What was built on attempts of builds: parent_id, parent_attempt, build_id and attempt (of the
-- child), artifact_id, region (as the child says it). At most `most` rows.
SELECT
    parents.build_id AS parent_id, parents.attempt AS parent_attempt, sources.build_id,
    sources.attempt, sources.artifact_id, sources.region
FROM jsonb_to_recordset(%(nodes)s::jsonb) AS parents (build_id uuid, attempt integer)
JOIN artifacts
    ON artifacts.build_id = parents.build_id
    AND artifacts.attempt = parents.attempt
    AND artifacts.artifact_id <> ''
JOIN build_sources AS sources
    ON left(sources.artifact_id, 200) = left(artifacts.artifact_id, 200)
    AND sources.artifact_id = artifacts.artifact_id
    AND (sources.region = artifacts.region OR sources.region IS NULL OR artifacts.region IS NULL)
CROSS JOIN LATERAL build_of_source(
    sources.artifact_id, sources.region, sources.build_id, sources.attempt
) AS maker
WHERE maker.build_id = parents.build_id AND maker.attempt = parents.attempt
LIMIT %(most)s
