-- Write rows of builds' artifacts, and remove those that are not among the kept ones.
WITH kept AS (
    SELECT * FROM jsonb_to_recordset(%(kept)s::jsonb) AS kept (build_id uuid, ids uuid[])
),
gone AS (
    DELETE FROM artifacts
    WHERE build_id IN (SELECT build_id FROM kept) AND id NOT IN (SELECT unnest(ids) FROM kept)
)
INSERT INTO artifacts (
    id, build_id, place, attempt, artifact_id, region, builder_type, name, packer_run_uuid,
    build_time, files, custom_data, checksum, state, storage, path, size_bytes, kind, expires_at
)
SELECT
    id, build_id, place, attempt, artifact_id, region, builder_type, name, packer_run_uuid,
    build_time, files, custom_data, checksum, state, storage, path, size_bytes, kind, expires_at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, build_id uuid, place integer, attempt integer, artifact_id text, region text,
    builder_type text, name text, packer_run_uuid text, build_time timestamptz, files jsonb,
    custom_data jsonb, checksum text, state integer, storage text, path text, size_bytes bigint,
    kind text, expires_at timestamptz
)
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
