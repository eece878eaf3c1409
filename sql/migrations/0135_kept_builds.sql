-- Whether people decided something about a build: it is or was in a channel, is revoked or was, or is
-- to be used instead of a revoked one. No prune and no delete takes it.
CREATE FUNCTION is_build_decided(build uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        EXISTS (SELECT FROM channel_assignments WHERE build_id = build)
        OR EXISTS (SELECT FROM revocations WHERE build_id = build)
        OR EXISTS (SELECT FROM revocations WHERE replacement_id = build)
$$;

-- The builds that were made from a build. None is known yet: the tables of sources replace this.
CREATE FUNCTION children_of_build(parent uuid) RETURNS SETOF uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT id FROM builds WHERE false AND id = parent
$$;

-- Whether a build is kept: decided about, or an ancestor of such a one.
CREATE FUNCTION is_build_kept(build uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE line AS (
        SELECT build AS id, 0 AS depth
        UNION
        SELECT child.id, line.depth + 1
        FROM line
        CROSS JOIN LATERAL children_of_build(line.id) AS child (id)
        WHERE line.depth < 10
    )
    SELECT coalesce(bool_or(is_build_decided(line.id)), false) FROM line
$$;
