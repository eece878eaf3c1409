-- Behind matching_builds: one page of them, each with the newest failure of its newest attempt.
SELECT page.*, failure.error_message AS cause, failure.masked_message AS masked_cause
FROM (
    SELECT
        matching.*,
        row_number() OVER (
            ORDER BY
                CASE WHEN %(order)s = 'duration' THEN duration_seconds END DESC NULLS LAST,
                CASE WHEN %(order)s = 'shortest' THEN duration_seconds END,
                CASE WHEN %(order)s = 'state' THEN current_state END,
                CASE WHEN %(order)s = 'highest' THEN current_state END DESC,
                CASE WHEN %(order)s = 'number' THEN build_number END,
                CASE WHEN %(order)s = 'status' THEN status END,
                CASE
                    WHEN %(order)s = 'image'
                        THEN concat_ws(' ', project, platform, os_version, image_type)
                END,
                CASE WHEN %(order)s = 'oldest' THEN created_at END,
                created_at DESC, id DESC
        ) AS place_in_order
    FROM matching
    ORDER BY place_in_order
    LIMIT %(limit)s
) AS page
LEFT JOIN LATERAL (
    SELECT
        CASE WHEN masked_message IS NULL THEN error_message END AS error_message,
        left(masked_message, 1000) AS masked_message
    FROM build_failures
    WHERE build_id = page.id AND attempt = page.attempt AND page.status = 'failed'
    ORDER BY created_at DESC, id DESC
    LIMIT 1
) AS failure ON true
ORDER BY page.place_in_order
