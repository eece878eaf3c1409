-- Which revocation concerns an attempt of a build at a moment: that of the build itself, or of one
-- that the attempt was made from.

-- Whether a project is another one or below it; no project is within no project alone.
CREATE FUNCTION is_project_within(
    project uuid, ancestor uuid
) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        project IS NOT DISTINCT FROM ancestor
        OR EXISTS (
            WITH RECURSIVE chain AS (
                SELECT id, parent_project_id, 0 AS depth FROM projects WHERE id = project
                UNION ALL
                SELECT parent.id, parent.parent_project_id, chain.depth + 1
                FROM projects AS parent
                JOIN chain ON parent.id = chain.parent_project_id
                WHERE chain.depth < 32
            )
            SELECT FROM chain WHERE id = ancestor
        )
$$;

-- kind is `revoked`; `parent-revoked` where the revoked build is of another project, so that the
-- build stays valid; or `scheduled`, a revocation that will hold later. depth is 0 for its own.
CREATE FUNCTION revocation_of_build(
    of_build uuid, of_attempt integer, moment timestamptz
) RETURNS TABLE (revocation_id uuid, kind text, depth integer) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE line AS (
        SELECT of_build AS id, of_attempt AS attempt, 0 AS depth
        UNION
        SELECT parents.build_id, parents.attempt, line.depth + 1
        FROM line
        JOIN build_sources AS sources
            ON sources.build_id = line.id AND sources.attempt = line.attempt
        CROSS JOIN LATERAL build_of_source(
            sources.artifact_id, sources.region, sources.build_id, sources.attempt
        ) AS parents
        WHERE line.depth < 10
    ),

    concerning AS (
        SELECT
            revocations.id, revocations.at, line.depth, revocations.at > moment AS is_scheduled,
            line.depth = 0
            OR is_project_within(
                (SELECT project_id FROM builds WHERE id = of_build),
                (SELECT project_id FROM builds WHERE id = line.id)
            ) AS is_ours
        FROM line
        JOIN revocations ON revocations.build_id = line.id
        WHERE
            revocations.revoked_at <= moment
            AND (revocations.restored_at IS NULL OR revocations.restored_at > moment)
            AND (line.depth = 0 OR revocations.descendants)
    )

    SELECT
        id,
        CASE
            WHEN is_ours AND is_scheduled THEN 'scheduled'
            WHEN is_ours THEN 'revoked'
            ELSE 'parent-revoked'
        END,
        depth
    FROM concerning
    WHERE is_ours OR NOT is_scheduled
    ORDER BY is_ours AND NOT is_scheduled DESC, is_scheduled, depth, at, id
    LIMIT 1
$$;

-- That revocation as answers have it, null where there is none: kind, reason, at, by, since (when it was
-- said), descendants, build_number (of the build that was revoked), replacement (a build number).
CREATE FUNCTION revocation_json(
    of_build uuid, of_attempt integer, moment timestamptz
) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object(
        'kind', found.kind, 'reason', revocations.reason, 'at', revocations.at,
        'by', revocations.revoked_by, 'since', revocations.revoked_at,
        'descendants', revocations.descendants, 'build_number', builds.build_number,
        'replacement', (SELECT build_number FROM builds WHERE id = revocations.replacement_id)
    )
    FROM revocation_of_build(of_build, of_attempt, moment) AS found
    JOIN revocations ON revocations.id = found.revocation_id
    JOIN builds ON builds.id = revocations.build_id
$$;
