-- A build's artifacts in fold order.
SELECT
    artifact_id, region, builder_type, name, attempt, packer_run_uuid, build_time, files,
    custom_data, checksum, state, storage, path, size_bytes, kind, expires_at
FROM artifacts
WHERE build_id = %(build_id)s
ORDER BY place
