-- The builds that any job of these runs speaks of: run_group, build_id, project_id. A key that only a
-- sender of some projects names counts where a job of the forge is of its build.
SELECT spoken.run_group, spoken.build_id, builds.project_id
FROM (
    SELECT run_group, build_id
    FROM run_keys
    WHERE run_group = ANY(%(run_groups)s) AND projects IS NULL
    UNION
    SELECT run_group, build_id
    FROM events
    WHERE native AND run_group = ANY(%(run_groups)s) AND build_id IS NOT NULL
    UNION
    SELECT run_group, unnest(shared_with)
    FROM events
    WHERE native AND run_group = ANY(%(run_groups)s)
) AS spoken
JOIN builds ON builds.id = spoken.build_id
