-- Why a build's image is not served; null where it is, as far as the build itself tells. `branches`
-- are the LIKE patterns of its project's served branches, null where its project names none;
-- `unstable_counts` is whether its project counts Jenkins's UNSTABLE as a good build.

-- A ref is the branch in it: Jenkins's Git plugin says origin/main, others refs/heads/main.
CREATE FUNCTION plain_branch(ref text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT regexp_replace(ref, '^(refs/heads/|refs/remotes/)?(origin/)?', '')
$$;

-- Builds of pull requests never count; without a branch, or where nobody tells the default branch,
-- all others do.
CREATE FUNCTION is_of_served_branch(
    branch text, default_branch text, pull_request text, branches text[]
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT
        pull_request IS NULL
        AND CASE
            WHEN branch IS NULL THEN true
            WHEN branches IS NOT NULL THEN plain_branch(branch) LIKE ANY (branches)
            WHEN default_branch IS NULL THEN true
            ELSE plain_branch(branch) = plain_branch(default_branch)
        END
$$;

-- The type of a builder that a manifest names is Packer's own word, so that a platform from there
-- makes no image an inferred one.
CREATE FUNCTION is_inferred(inferred jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(
        CASE WHEN inferred ->> 'platform' = 'builder' THEN inferred - 'platform' ELSE inferred END
        <> '{}'::jsonb,
        false
    )
$$;

CREATE FUNCTION image_doubt(
    branch text, default_branch text, pull_request text, conflict jsonb, unstable boolean,
    inferred jsonb, branches text[], unstable_counts boolean
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN pull_request IS NOT NULL THEN 'pull-request'
        WHEN NOT is_of_served_branch(branch, default_branch, pull_request, branches) THEN 'branch'
        WHEN conflict <> '{}'::jsonb THEN 'conflict'
        WHEN unstable AND NOT coalesce(unstable_counts, false) THEN 'unstable'
        WHEN is_inferred(inferred) THEN 'inferred'
    END
$$;
