-- Until the transaction ends: look rows up by their keys, with plans that are made once, since what
-- arrives is little and how much the tables hold must not change how it is written; and let one
-- transaction at a time decide who meets whom under these run keys, taken in their order. Jobs of a
-- run go on side by side; the run itself is reported with nobody else.
SELECT
    set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('enable_seqscan', 'off', true),
    set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true),
    (
        SELECT
            count(
                CASE
                    WHEN key_lock.shared
                        THEN pg_advisory_xact_lock_shared(hashtextextended(key_lock.run_key, key_lock.seed))
                    ELSE pg_advisory_xact_lock(hashtextextended(key_lock.run_key, key_lock.seed))
                END
            )
        FROM jsonb_to_recordset(%(locks)s::jsonb) AS key_lock (run_key text, seed integer, shared boolean)
    ) AS locked
