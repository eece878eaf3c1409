-- Those of these ids of dimensions that a build of these projects has: id.
SELECT given.id
FROM unnest(%(ids)s::uuid[]) AS given (id)
WHERE EXISTS (
    SELECT FROM builds
    JOIN projects ON projects.id = builds.project_id
    WHERE
        projects.name = ANY(%(projects)s)
        AND given.id IN (
            builds.project_id, builds.platform_id, builds.os_version_id, builds.image_type_id
        )
)
