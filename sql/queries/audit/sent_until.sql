-- How far a log has got, for the one transaction at a time that goes on: seq. No row where another one
-- does. A log that is new begins with what is noted from now on.
WITH added AS (
    INSERT INTO audit_sent (log, seq)
    VALUES (%(log)s, coalesce((SELECT max(seq) FROM audit WHERE seq IS NOT NULL), 0))
    ON CONFLICT DO NOTHING
    RETURNING seq
),

known AS (
    SELECT seq FROM audit_sent WHERE log = %(log)s FOR UPDATE SKIP LOCKED
)

SELECT seq FROM added
UNION ALL
SELECT seq FROM known
