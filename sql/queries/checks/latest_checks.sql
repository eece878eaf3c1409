-- The last check of each name of one attempt of a build; of its last attempt where none is given.
SELECT DISTINCT ON (checks.name)
    checks.name, checks.kind, checks.status, checks.at, checks.counts, checks.fixable, checks.tool,
    checks.tool_version, checks.database_at, checks.digest, checks.url, checks.attempt
FROM build_checks AS checks
JOIN builds ON builds.id = checks.build_id
WHERE
    checks.build_id = %(build_id)s
    AND checks.attempt = coalesce(%(attempt)s::integer, builds.attempt)
ORDER BY checks.name, checks.place DESC
