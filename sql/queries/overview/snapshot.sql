-- What a query sees now, as a text: while it stays the same, nothing was committed.
SELECT pg_current_snapshot()::text AS version
