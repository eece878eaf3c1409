-- Copy each build's newest manifest, which an event holds, to it.
UPDATE builds
SET
    packer_manifest = events.manifest,
    manifest_sha256 = given.sha256
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    build_id uuid, delivery_id uuid, place integer, sha256 text
)
JOIN events ON events.delivery_id = given.delivery_id AND events.place = given.place
WHERE builds.id = given.build_id
