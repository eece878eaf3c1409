-- Plain numbers lead to the build of their only target (build_id), or by now to none; a build that has
-- the number itself comes before them.
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (number text, build_id uuid)
),
gone AS (
    DELETE FROM build_redirects
    USING given
    WHERE build_redirects.build_number = given.number AND build_redirects.plain AND given.build_id IS NULL
)
INSERT INTO build_redirects AS old (build_number, build_id, plain)
SELECT number, build_id, true FROM given WHERE build_id IS NOT NULL
ON CONFLICT (build_number) DO UPDATE SET build_id = excluded.build_id
WHERE old.plain AND old.build_id <> excluded.build_id
