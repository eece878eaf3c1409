-- A build and its neighbours in its combination: 30 before it, one after it. Of the same platform are
-- those that state it, and those that state none where it is the only one of their images: the index
-- is read once for each of these at most two.
WITH this AS (
    SELECT builds.*, coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000') AS of_project
    FROM builds
    WHERE builds.build_number = %(build_number)s
),

alike AS (
    SELECT platforms.id
    FROM this
    JOIN named_builds ON named_builds.id = this.id
    JOIN platforms ON
        platforms.id = named_builds.platform_id
        OR (
            platforms.name = 'unknown' AND 'unknown' NOT IN (named_builds.os_version, named_builds.image_type)
            AND named_builds.platform_id
            = platform_of_image(this.project_id, this.os_version_id, this.image_type_id)
        )
),

near AS (
    (
        SELECT other.*, 'before' AS place
        FROM this
        CROSS JOIN alike
        CROSS JOIN LATERAL (
            SELECT *
            FROM builds
            WHERE
                coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000') = this.of_project
                AND builds.platform_id = alike.id
                AND builds.os_version_id = this.os_version_id
                AND builds.image_type_id = this.image_type_id
                AND (builds.created_at, builds.id) < (this.created_at, this.id)
            ORDER BY builds.created_at DESC, builds.id DESC
            LIMIT 30
        ) AS other
        ORDER BY other.created_at DESC, other.id DESC
        LIMIT 30
    )
    UNION ALL
    SELECT builds.*, 'this' FROM builds WHERE builds.build_number = %(build_number)s
    UNION ALL
    (
        SELECT other.*, 'after'
        FROM this
        CROSS JOIN alike
        CROSS JOIN LATERAL (
            SELECT *
            FROM builds
            WHERE
                coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000') = this.of_project
                AND builds.platform_id = alike.id
                AND builds.os_version_id = this.os_version_id
                AND builds.image_type_id = this.image_type_id
                AND (builds.created_at, builds.id) > (this.created_at, this.id)
            ORDER BY builds.created_at, builds.id
            LIMIT 1
        ) AS other
        ORDER BY other.created_at, other.id
        LIMIT 1
    )
)
SELECT
    near.build_number, near.status, near.current_state, near.start_time, near.end_time,
    near.duration_seconds, near.commit_sha, near.branch, near.place,
    (
        SELECT artifact_id FROM artifacts WHERE build_id = near.id ORDER BY artifacts.place DESC LIMIT 1
    ) AS artifact_id
FROM near
ORDER BY near.created_at, near.id
