-- The regions of the images that builds made: build_id, region.
SELECT DISTINCT artifacts.build_id, artifacts.region
FROM artifacts
JOIN builds ON builds.id = artifacts.build_id AND builds.attempt = artifacts.attempt
WHERE
    artifacts.build_id = ANY(%(build_ids)s::uuid [])
    AND artifacts.region IS NOT NULL
    AND artifacts.kind IS DISTINCT FROM 'resumable'
    AND (artifacts.expires_at IS NULL OR artifacts.expires_at > %(now)s)
