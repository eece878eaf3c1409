-- How many files a receiver noted lately, without those that are older than the newest version of
-- their kind: count.
SELECT count(*) AS count
FROM settings_files
LEFT JOIN settings_versions USING (kind)
WHERE
    receiver = %(receiver)s
    AND seen_at > now() - make_interval(secs => %(seconds)s)
    AND (settings_files.version IS NULL OR settings_files.version = settings_versions.version)
