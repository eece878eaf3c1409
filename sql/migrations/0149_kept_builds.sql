-- Whether people decided something about a build: it is or was in a channel, is revoked or was, or is
-- to be used instead of a revoked one. No prune and no delete takes it.
CREATE FUNCTION is_build_decided(build uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        EXISTS (SELECT FROM channel_assignments WHERE build_id = build)
        OR EXISTS (SELECT FROM revocations WHERE build_id = build)
        OR EXISTS (SELECT FROM revocations WHERE replacement_id = build)
$$;

-- Whether a build is kept: people decided about it, or about a build that may be made from it. A
-- region or a time that does not fit is no reason to delete it.
CREATE FUNCTION is_build_kept(build uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE line AS (
        SELECT build AS id, 0 AS depth
        UNION
        SELECT children.build_id, line.depth + 1
        FROM line
        JOIN artifacts ON artifacts.build_id = line.id AND artifacts.artifact_id <> ''
        JOIN build_sources AS children
            ON left(children.artifact_id, 200) = left(artifacts.artifact_id, 200)
            AND children.artifact_id = artifacts.artifact_id
        WHERE line.depth < 10
    )
    SELECT coalesce(bool_or(is_build_decided(line.id)), false) FROM line
$$;
