-- Make builds' artifacts these rows; writes the difference only.
WITH folded AS MATERIALIZED (
    SELECT *
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
        id uuid, build_id uuid, place integer, attempt integer, artifact_id text, region text,
        builder_type text, name text, packer_run_uuid text, build_time timestamptz, files jsonb,
        custom_data jsonb, checksum text, state integer
    )
),
gone AS (
    DELETE FROM artifacts
    WHERE build_id = ANY(%(build_ids)s) AND id NOT IN (SELECT id FROM folded)
)
INSERT INTO artifacts AS old (
    id, build_id, place, attempt, artifact_id, region, builder_type, name, packer_run_uuid,
    build_time, files, custom_data, checksum, state
)
SELECT
    folded.id, folded.build_id, folded.place, folded.attempt, folded.artifact_id, folded.region,
    folded.builder_type, folded.name, folded.packer_run_uuid, folded.build_time, folded.files,
    folded.custom_data, folded.checksum, folded.state
FROM folded
LEFT JOIN artifacts AS known ON known.id = folded.id -- no row that is right already is locked
WHERE
    known.id IS NULL
    OR (
        known.attempt, known.artifact_id, known.region, known.builder_type, known.name,
        known.packer_run_uuid, known.build_time, known.files, known.custom_data, known.checksum,
        known.state
    ) IS DISTINCT FROM (
        folded.attempt, folded.artifact_id, folded.region, folded.builder_type, folded.name,
        folded.packer_run_uuid, folded.build_time, folded.files, folded.custom_data,
        folded.checksum, folded.state
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
    state = excluded.state
