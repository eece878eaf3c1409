-- The settings files that other receivers than this one read: kind, host, path, version, seen_at, and
-- whether a newer version counts (is_older). A receiver that was killed is named for as long as its
-- last word counts.
SELECT
    kind, host, path, settings_files.version, seen_at,
    coalesce(settings_files.version < settings_versions.version, FALSE) AS is_older
FROM settings_files
LEFT JOIN settings_versions USING (kind)
WHERE
    receiver <> %(receiver)s
    AND seen_at > now() - make_interval(secs => %(seconds)s)
ORDER BY kind, host, path
