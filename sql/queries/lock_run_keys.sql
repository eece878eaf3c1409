-- Let one transaction at a time work under these run keys, in their order.
SELECT pg_advisory_xact_lock(hashtextextended(run_key, 0))
FROM unnest(%(run_keys)s::text[]) AS run_key
