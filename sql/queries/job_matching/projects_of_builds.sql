-- What hooks and people say of builds: build_id, stated (by name), inferred (by name).
SELECT
    build_id,
    max(coalesce(statement -> 'said' ->> 'project', statement -> 'custom' ->> 'project')) AS stated,
    max(statement -> 'inferred' ->> 'project') AS inferred
FROM events
WHERE build_id = ANY(%(build_ids)s::uuid[]) AND NOT native AND statement ? 'events' -- no check
GROUP BY build_id
