-- What was told in these windows: notice, window_at, type.
SELECT DISTINCT notice, window_at, type
FROM notices
WHERE
    status = 'told' AND NOT is_late
    AND notice = ANY(%(notices)s)
    AND window_at = ANY(%(windows)s::timestamptz[])
