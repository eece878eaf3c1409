-- Let one transaction at a time add to the chain, until it ends: each entry follows the one before.
SELECT pg_advisory_xact_lock(%(key)s)
