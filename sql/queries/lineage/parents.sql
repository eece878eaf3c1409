-- What attempts of builds started from: child_id, child_attempt, artifact_id, region (as the child
-- says it), build_id and attempt (of the parent; null where nobody here made it). What the same attempt
-- made, as a chain of Packer runs does, is no source of it. At most `most` rows.
SELECT
    children.build_id AS child_id, children.attempt AS child_attempt, sources.artifact_id,
    sources.region, maker.build_id, maker.attempt
FROM jsonb_to_recordset(%(nodes)s::jsonb) AS children (build_id uuid, attempt integer)
JOIN build_sources AS sources
    ON sources.build_id = children.build_id AND sources.attempt = children.attempt
LEFT JOIN LATERAL build_of_source(
    sources.artifact_id, sources.region, sources.build_id, sources.attempt
) AS maker ON true
WHERE NOT EXISTS (
    SELECT FROM artifacts AS own
    WHERE
        own.build_id = sources.build_id AND own.attempt = sources.attempt
        AND own.artifact_id = sources.artifact_id
        AND (own.region = sources.region OR own.region IS NULL OR sources.region IS NULL)
)
ORDER BY sources.build_id, sources.place
LIMIT %(most)s
