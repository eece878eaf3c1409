-- Who else speaks of builds: is_reported (a hook or a person does), run_keys (of forges' jobs).
SELECT
    bool_or(NOT native AND statement ? 'events') AS is_reported, -- a check makes no build
    coalesce(array_agg(DISTINCT run_key) FILTER (WHERE native), '{}') AS run_keys
FROM events
WHERE build_id = ANY(%(build_ids)s::uuid[]) AND delivery_id <> %(delivery_id)s
GROUP BY build_id
