-- Whether the server is a standby, and whether it takes no changes from this role.
SELECT pg_is_in_recovery() AS is_standby, current_setting('default_transaction_read_only')::boolean AS is_read_only
