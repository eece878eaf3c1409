-- Jobs of a run go on side by side; the run itself is reported with nobody else.
SELECT
    CASE
        WHEN alone THEN pg_advisory_xact_lock(hashtextextended(run_group, 1))
        ELSE pg_advisory_xact_lock_shared(hashtextextended(run_group, 1))
    END
FROM unnest(%(run_groups)s::text[], %(alone)s::boolean[]) AS given (run_group, alone)
