-- Add counts of refusals to those of their hours, and delete hours that are older than 8 days.
WITH old AS (
    DELETE FROM refusals WHERE hour < now() - interval '8 days'
)

INSERT INTO refusals (hour, source, sender, reason, code, detail, count, last_at)
SELECT hour, source, sender, reason, code, detail, count, last_at
FROM jsonb_to_recordset(%(rows)s) AS added (
    hour TIMESTAMPTZ, source TEXT, sender TEXT, reason TEXT, code TEXT, detail TEXT, count BIGINT,
    last_at TIMESTAMPTZ
)
ON CONFLICT (hour, source, sender, reason) DO UPDATE
SET
    count = refusals.count + excluded.count,
    code = excluded.code,
    detail = CASE
        WHEN excluded.last_at >= refusals.last_at THEN excluded.detail ELSE refusals.detail
    END,
    last_at = greatest(refusals.last_at, excluded.last_at)
