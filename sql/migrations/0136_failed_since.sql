-- Whether somebody reported a failure of a build's attempt after its end, which nobody has resolved: a
-- completed build whose image turned out to be bad. It reads the failures of that build alone.
CREATE FUNCTION has_failed_since(
    of_build uuid, of_attempt integer, ended timestamptz
) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (
        SELECT FROM build_failures
        WHERE
            build_id = of_build AND attempt = of_attempt AND created_at > ended
            AND resolved IS NOT TRUE
    )
$$;
