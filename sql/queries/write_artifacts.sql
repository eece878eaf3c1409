-- Make a build's artifacts these rows; writes the difference only.
WITH folded AS (
    SELECT *
    FROM jsonb_to_recordset(%(rows)s) AS folded (
        id uuid, place integer, attempt integer, artifact_id text, region text,
        builder_type text, name text, packer_run_uuid text, build_time timestamptz,
        files jsonb, custom_data jsonb,
        checksum text, state integer, storage text, path text, size_bytes bigint, kind text,
        expires_at timestamptz
    )
),
gone AS (
    DELETE FROM artifacts
    WHERE build_id = %(build_id)s AND id NOT IN (SELECT id FROM folded)
)
INSERT INTO artifacts AS old (
    id, build_id, place, attempt, artifact_id, region, builder_type, name, packer_run_uuid,
    build_time, files, custom_data, checksum, state, storage, path, size_bytes, kind, expires_at
)
SELECT
    id, %(build_id)s, place, attempt, artifact_id, region, builder_type, name, packer_run_uuid,
    build_time, files, custom_data, checksum, state, storage, path, size_bytes, kind, expires_at
FROM folded
ON CONFLICT (id) DO UPDATE SET
    attempt = excluded.attempt,
    artifact_id = excluded.artifact_id,
    region = excluded.region,
    builder_type = excluded.builder_type,
    name = excluded.name,
    packer_run_uuid = excluded.packer_run_uuid,
    build_time = excluded.build_time,
    files = excluded.files,
    custom_data = excluded.custom_data,
    checksum = excluded.checksum,
    state = excluded.state,
    storage = excluded.storage,
    path = excluded.path,
    size_bytes = excluded.size_bytes,
    kind = excluded.kind,
    expires_at = excluded.expires_at
WHERE (
    old.attempt, old.artifact_id, old.region, old.builder_type, old.name, old.packer_run_uuid,
    old.build_time, old.files, old.custom_data, old.checksum, old.state,
    old.storage, old.path, old.size_bytes, old.kind, old.expires_at
) IS DISTINCT FROM (
    excluded.attempt, excluded.artifact_id, excluded.region, excluded.builder_type,
    excluded.name, excluded.packer_run_uuid, excluded.build_time, excluded.files,
    excluded.custom_data, excluded.checksum, excluded.state, excluded.storage, excluded.path,
    excluded.size_bytes, excluded.kind, excluded.expires_at
)
