-- Let one transaction at a time state something manual about the build of a number.
SELECT pg_advisory_xact_lock(hashtextextended(%(build_number)s, 2))
