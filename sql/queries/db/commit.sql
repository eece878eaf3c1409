-- A commit that waits for standbys even where its transaction wrote nothing: what it found another one wrote.
SELECT pg_logical_emit_message(true, 'milepost', pg_current_xact_id()::text)
WHERE current_setting('synchronous_standby_names') <> '' AND pg_current_xact_id_if_assigned() IS NULL;
COMMIT
