-- The forges' jobs under these keys: run_key, alias_key, number, project (that its forge's side tells,
-- senders of all projects before others), route_project, builds, shared (the builds that share its verdict, null
-- where some row is undecided), loose (whether a row of it is of no build), claims (hooks' builds:
-- build_id, exact, projects). Statements are long, and projects are read only where a hook claims the job.
WITH concerned AS (
    SELECT run_key FROM events WHERE native AND run_key = ANY(%(run_keys)s)
    UNION
    SELECT run_key FROM events WHERE native AND alias_key = ANY(%(run_keys)s)
),
jobs AS (
    SELECT
        run_key,
        min(alias_key) AS alias_key,
        min(began_at) AS began_at,
        max(ended_at) AS ended_at,
        min(native_number) AS number,
        coalesce(array_agg(DISTINCT build_id) FILTER (WHERE build_id IS NOT NULL), '{}') AS builds,
        jsonb_agg(DISTINCT to_jsonb(shared_with)) AS shared,
        bool_or(build_id IS NULL) AS loose
    FROM events
    WHERE native AND run_key IN (SELECT run_key FROM concerned)
    GROUP BY run_key
)
SELECT
    jobs.run_key,
    jobs.alias_key,
    jobs.number,
    said.project,
    said.route_project,
    jobs.builds,
    jobs.shared,
    jobs.loose,
    claimed.claims
FROM jobs
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'build_id', claims.build_id, 'exact', claims.exact, 'projects', claims.projects
    )), '[]') AS claims
    FROM (
        SELECT build_id, true AS exact, projects
        FROM run_keys
        WHERE run_keys.run_key = jobs.run_key
        UNION ALL
        SELECT build_id, false, projects
        FROM run_keys
        WHERE
            run_keys.run_key = jobs.alias_key
            AND run_keys.last_at >= jobs.began_at
            AND run_keys.first_at <= coalesce(jobs.ended_at, 'infinity')
    ) AS claims
) AS claimed
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN bool_or(projects IS NULL)
                THEN max(statement -> 'inferred' ->> 'project') FILTER (WHERE projects IS NULL)
            ELSE max(statement -> 'inferred' ->> 'project')
        END AS project,
        max(statement -> 'inferred' ->> 'project')
        FILTER (WHERE projects IS NULL AND native_number IS NOT NULL) AS route_project
    FROM events
    WHERE claimed.claims <> '[]' AND native AND events.run_key = jobs.run_key
) AS said
ORDER BY jobs.run_key
