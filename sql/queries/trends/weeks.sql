-- Behind recent: good and failed builds of the last seven nights (`weeks_ago` 0) and of the seven before
-- (1), those that needed another attempt or failed, and the median and the 90th percentile of the
-- seconds of good ones.
SELECT
    numbered.weeks_ago,
    count(*) FILTER (WHERE numbered.status = 'completed') AS completed,
    count(*) FILTER (WHERE numbered.status = 'failed') AS failed,
    count(*) FILTER (WHERE numbered.status = 'failed' OR numbered.attempt > 1) AS unsteady,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY numbered.duration_seconds)
    FILTER (WHERE numbered.status = 'completed') AS median_seconds,
    percentile_disc(0.9) WITHIN GROUP (ORDER BY numbered.duration_seconds)
    FILTER (WHERE numbered.status = 'completed') AS p90_seconds
FROM (
    SELECT *, ((SELECT last.night FROM last) - night) / 7 AS weeks_ago
    FROM recent
) AS numbered
WHERE numbered.night > 0 AND numbered.weeks_ago IN (0, 1)
GROUP BY numbered.weeks_ago
ORDER BY numbered.weeks_ago
