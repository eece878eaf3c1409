-- Assignments with the names that their images have today, and with how their builds stand.

CREATE VIEW named_assignments AS
SELECT
    assignments.id, assignments.channel_id, channels.name AS channel,
    owners.name AS channel_project, projects.name AS project, platforms.name AS platform,
    platforms.cloud_provider, os_versions.name AS os_version, image_types.name AS image_type,
    assignments.project_id, assignments.platform_id, assignments.os_version_id,
    assignments.image_type_id, assignments.build_id, builds.build_number, assignments.attempt,
    assignments.artifacts, assignments.from_channel, assignments.note, assignments.override,
    assignments.assigned_by, assignments.assigned_at, builds.status, builds.attempt AS last_attempt,
    builds.branch,
    coalesce(
        CASE WHEN builds.future THEN builds.created_at ELSE builds.end_time END, builds.created_at
    ) AS built_at
FROM channel_assignments AS assignments
JOIN channels ON channels.id = assignments.channel_id
JOIN platforms ON platforms.id = assignments.platform_id
JOIN os_versions ON os_versions.id = assignments.os_version_id
JOIN image_types ON image_types.id = assignments.image_type_id
LEFT JOIN projects AS owners ON owners.id = channels.project_id
LEFT JOIN projects ON projects.id = assignments.project_id
LEFT JOIN builds ON builds.id = assignments.build_id;
