-- The ids of names, also of old names and builds' numbers (kind build): kind, name, id.
SELECT found.kind, found.name, found.id
FROM jsonb_to_recordset(%(names)s::jsonb) AS wanted (kind text, name text)
CROSS JOIN LATERAL (
    SELECT wanted.kind, wanted.name, id FROM builds
    WHERE wanted.kind = 'build' AND build_number = wanted.name
    UNION ALL
    SELECT wanted.kind, wanted.name, build_id FROM build_redirects
    WHERE wanted.kind = 'build' AND build_number = wanted.name AND plain IS NOT true
    UNION ALL
    SELECT wanted.kind, wanted.name, id FROM platforms
    WHERE wanted.kind = 'platform' AND name = wanted.name
    UNION ALL
    SELECT wanted.kind, wanted.name, id FROM os_versions
    WHERE wanted.kind = 'os_version' AND name = wanted.name
    UNION ALL
    SELECT wanted.kind, wanted.name, id FROM image_types
    WHERE wanted.kind = 'image_type' AND name = wanted.name
    UNION ALL
    SELECT wanted.kind, wanted.name, id FROM projects
    WHERE wanted.kind = 'project' AND name = wanted.name
    UNION ALL
    SELECT wanted.kind, wanted.name, target_id FROM name_aliases
    WHERE dimension = wanted.kind AND name = wanted.name
) AS found
