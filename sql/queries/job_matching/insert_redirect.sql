-- This number leads to that build; not where a build has the number itself.
INSERT INTO build_redirects (build_number, build_id)
SELECT %(build_number)s, %(build_id)s
WHERE NOT EXISTS (SELECT FROM builds WHERE build_number = %(build_number)s)
ON CONFLICT (build_number) DO NOTHING
