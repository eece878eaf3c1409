-- Whether this transaction is the one that folds builds again: locked.
SELECT pg_try_advisory_xact_lock(%(key)s) AS locked
