-- The checks of a build of every attempt, the last ones of its last attempt first; is_latest: the
-- last of its name in its attempt. At most `limit` rows.
SELECT
    checks.name, checks.kind, checks.status, checks.at, checks.counts, checks.fixable, checks.tool,
    checks.tool_version, checks.database_at, checks.digest, checks.url, checks.attempt,
    NOT EXISTS (
        SELECT FROM build_checks AS later
        WHERE
            later.build_id = checks.build_id AND later.attempt = checks.attempt
            AND later.name = checks.name AND later.place > checks.place
    ) AS is_latest
FROM build_checks AS checks
WHERE checks.build_id = %(build_id)s
ORDER BY is_latest DESC, checks.attempt DESC, checks.place DESC
LIMIT %(limit)s
