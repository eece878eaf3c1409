-- Whether this transaction is the one that evaluates notices: locked.
SELECT pg_try_advisory_xact_lock(%(key)s) AS locked
