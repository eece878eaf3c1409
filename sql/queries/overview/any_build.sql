-- A row where there is any build.
SELECT 1 AS found FROM builds LIMIT 1
