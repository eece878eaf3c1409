-- How many entries are of no chain: `before` it began, and `since`, which an older release wrote that
-- worked beside this one. It reads the whole trail.
SELECT
    count(*) FILTER (WHERE audit.at < first.at OR first.at IS NULL) AS before,
    count(*) FILTER (WHERE audit.at >= first.at) AS since
FROM audit
LEFT JOIN (SELECT at FROM audit WHERE seq = 1) AS first ON true
WHERE audit.seq IS NULL
