-- Behind recent: the median seconds of each stage in each night, and in all nights (night is null), of
-- the newest 2,000 good builds.
SELECT
    states.stage, good.night,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY states.duration_seconds) AS median_seconds,
    count(*) AS runs
FROM (
    SELECT id, night FROM recent WHERE status = 'completed' AND night > (SELECT last.night FROM last) - %(days)s
    ORDER BY night DESC
    LIMIT 2000
) AS good
JOIN build_states AS states ON states.build_id = good.id
WHERE states.status = 'completed' AND states.stage IS NOT NULL AND states.duration_seconds > 0
GROUP BY GROUPING SETS ((states.stage, good.night), (states.stage))
ORDER BY states.stage, good.night
