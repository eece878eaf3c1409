-- What jobs state under these plain numbers themselves, by run: number, run_key, projects, builds (that
-- it is of, or which share it), build_id (of the number's own build, where there is one).
WITH own AS MATERIALIZED (
    SELECT id, build_number FROM builds WHERE build_number = ANY(%(numbers)s)
),
spoken AS (
    SELECT
        job_number AS number, run_key, projects,
        CASE WHEN build_id IS NULL THEN coalesce(shared_with, '{}') ELSE ARRAY[build_id] END AS builds
    FROM events
    WHERE job_number = ANY(%(numbers)s)
    UNION ALL
    SELECT own.build_number, events.run_key, events.projects, ARRAY[own.id]
    FROM own
    JOIN events ON events.build_id = own.id
    WHERE NOT events.native AND events.job_number IS NULL AND NOT events.statement #> '{run}' ? 'number'
)
SELECT
    spoken.number, spoken.run_key, spoken.projects,
    array_agg(DISTINCT build.id) FILTER (WHERE build.id IS NOT NULL) AS builds,
    (SELECT own.id FROM own WHERE own.build_number = spoken.number) AS build_id
FROM spoken
LEFT JOIN LATERAL unnest(spoken.builds) AS build (id) ON true
GROUP BY spoken.number, spoken.run_key, spoken.projects
ORDER BY spoken.number, spoken.run_key
