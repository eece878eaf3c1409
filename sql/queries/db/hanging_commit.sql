-- Whether the oldest commit that this role waits for since more than a second waits for a standby; no row where there is none.
SELECT wait_event IS NOT DISTINCT FROM 'SyncRep' AS of_standby
FROM pg_stat_activity
WHERE
    datname = current_database()
    AND state = 'active'
    AND query ~ 'COMMIT\s*$'
    AND clock_timestamp() - query_start > interval '1.5 s'
    AND pid <> pg_backend_pid()
ORDER BY query_start
LIMIT 1
