-- Let one transaction at a time say something of the build of a number.
SELECT pg_advisory_xact_lock(hashtextextended(%(build_number)s, 2))
