-- What attempts of builds started from: child_id, child_attempt, artifact_id, region (as the child
-- says it), build_id and attempt (of the parent; null where nobody here made it). At most `most` rows.
SELECT
    children.build_id AS child_id, children.attempt AS child_attempt, sources.artifact_id,
    sources.region, maker.build_id, maker.attempt
FROM jsonb_to_recordset(%(nodes)s::jsonb) AS children (build_id uuid, attempt integer)
JOIN build_sources AS sources
    ON sources.build_id = children.build_id AND sources.attempt = children.attempt
LEFT JOIN LATERAL build_of_source(
    sources.artifact_id, sources.region, sources.build_id, sources.attempt
) AS maker ON true
ORDER BY sources.build_id, sources.place
LIMIT %(most)s
