-- The current snapshot as a text: it stays the same until a transaction commits.
SELECT pg_current_snapshot()::text AS version
