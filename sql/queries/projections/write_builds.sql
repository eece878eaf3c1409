-- Write what the fold says of the builds themselves, each with the manifest that an event holds
-- where that is another than before.
UPDATE builds
SET
    project_id = given.project_id,
    platform_id = given.platform_id,
    os_version_id = given.os_version_id,
    image_type_id = given.image_type_id,
    current_state = given.current_state,
    status = given.status,
    attempt = given.attempt,
    start_time = given.start_time,
    end_time = given.end_time,
    duration_seconds = given.duration_seconds,
    created_by = given.created_by,
    run_url = given.run_url,
    commit_sha = given.commit,
    branch = given.branch,
    resume_state = given.resume_state,
    resumed_from = given.resumed_from,
    last_heard_at = GREATEST(builds.last_heard_at, given.heard_at),
    packer_manifest = CASE
        WHEN given.manifest_sha256 IS NOT DISTINCT FROM builds.manifest_sha256
            THEN builds.packer_manifest
        ELSE events.manifest
    END,
    manifest_sha256 = given.manifest_sha256,
    default_branch = given.default_branch,
    pull_request = given.pull_request,
    conflict = given.conflict,
    inferred = given.inferred,
    unstable = given.unstable,
    future = given.future,
    estimated = given.estimated,
    waiting = given.waiting,
    unchanged = given.unchanged,
    written = decode(given.written, 'hex'),
    written_at = now(),
    fold_version = %(fold_version)s,
    folded_at = now(),
    map_version = %(map_version)s,
    mapped_at = now(),
    updated_at = now()
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, heard_at timestamptz, project_id uuid, platform_id uuid, os_version_id uuid,
    image_type_id uuid, current_state integer, status text, attempt integer,
    start_time timestamptz, end_time timestamptz, duration_seconds integer, created_by text,
    run_url text, commit text, branch text, resume_state integer, resumed_from integer,
    delivery_id uuid, place integer, manifest_sha256 text, written text,
    default_branch text, pull_request text, conflict jsonb, inferred jsonb, unstable boolean,
    future boolean, estimated boolean, waiting boolean, unchanged boolean
)
LEFT JOIN events ON events.delivery_id = given.delivery_id AND events.place = given.place
WHERE builds.id = given.id
