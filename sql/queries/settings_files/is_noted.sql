-- Whether a receiver noted this file lately. It writes nothing: each commit makes pages be read again.
SELECT FROM settings_files
WHERE
    receiver = %(receiver)s
    AND kind = %(kind)s
    AND path = %(path)s
    AND version IS NOT DISTINCT FROM %(version)s::INTEGER
    AND seen_at > now() - make_interval(secs => %(seconds)s)
