-- Until the transaction ends, look rows up by their keys, with plans that are made once: what
-- arrives is little, and how much the tables hold must not change how it is written.
SELECT
    set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('enable_seqscan', 'off', true),
    set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true)
