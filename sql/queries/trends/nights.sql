-- Behind recent: good and failed builds of each night, and of each platform (night is null); with the
-- median and the 90th percentile of the seconds of good ones.
SELECT
    recent.night, platforms.name AS platform,
    count(*) FILTER (WHERE recent.status = 'completed') AS completed,
    count(*) FILTER (WHERE recent.status = 'failed') AS failed,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY recent.duration_seconds)
    FILTER (WHERE recent.status = 'completed') AS median_seconds,
    percentile_disc(0.9) WITHIN GROUP (ORDER BY recent.duration_seconds)
    FILTER (WHERE recent.status = 'completed') AS p90_seconds
FROM recent
JOIN platforms ON platforms.id = recent.platform_id
WHERE recent.night > (SELECT last.night FROM last) - %(days)s
GROUP BY GROUPING SETS ((recent.night), (platforms.name))
ORDER BY recent.night, platforms.name
