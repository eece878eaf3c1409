-- Insert events, each about one run of one build or about one job of a forge. Where a hook reports,
-- its run names the build from the first to the last of these times, and the build is no longer a
-- route's alone. Only rows that `claims` do: a check is told by a run that is none of its build's.
WITH given AS MATERIALIZED (
    SELECT *
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
        delivery_id uuid, place integer, build_id uuid, source text, run_key text, statement jsonb,
        manifest jsonb, native boolean, alias_key text, began_at timestamptz, ended_at timestamptz,
        native_number text, run_group text, projects text[], claims boolean, job_number text,
        targets integer
    )
),
named AS (
    INSERT INTO run_keys AS old (
        run_key, build_id, first_at, last_at, run_group, projects, job_number, targets
    )
    SELECT
        run_key, build_id, min(began_at), max(ended_at), min(run_group),
        CASE WHEN bool_and(projects IS NOT NULL) THEN min(projects) END, min(job_number), max(targets)
    FROM given
    WHERE claims
    GROUP BY run_key, build_id
    ORDER BY run_key, build_id
    ON CONFLICT (run_key, build_id) DO UPDATE SET
        first_at = least(old.first_at, excluded.first_at),
        last_at = greatest(old.last_at, excluded.last_at),
        projects = CASE
            WHEN old.projects IS NOT NULL AND excluded.projects IS NOT NULL
                THEN array(SELECT unnest(old.projects) UNION SELECT unnest(excluded.projects) ORDER BY 1)
        END,
        job_number = least(old.job_number, excluded.job_number),
        targets = greatest(old.targets, excluded.targets)
    WHERE
        old.first_at IS DISTINCT FROM least(old.first_at, excluded.first_at)
        OR old.last_at IS DISTINCT FROM greatest(old.last_at, excluded.last_at)
        OR (old.projects IS NOT NULL AND NOT coalesce(excluded.projects <@ old.projects, false))
        OR old.job_number IS DISTINCT FROM least(old.job_number, excluded.job_number)
        OR old.targets IS DISTINCT FROM greatest(old.targets, excluded.targets)
),
claimed AS (
    UPDATE builds
    SET native = false
    FROM (SELECT DISTINCT build_id FROM given WHERE claims) AS hooked
    WHERE builds.id = hooked.build_id AND builds.native
)
INSERT INTO events (
    delivery_id, place, build_id, source, run_key, statement, manifest, native, alias_key,
    began_at, ended_at, native_number, run_group, projects
)
SELECT
    delivery_id, place, build_id, source, run_key, statement, manifest, native, alias_key,
    CASE WHEN native THEN began_at END, CASE WHEN native THEN ended_at END,
    native_number, CASE WHEN native THEN run_group END, projects
FROM given
