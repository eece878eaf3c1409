-- Copy the newest manifest, which an event holds, to its build.
UPDATE builds
SET
    packer_manifest = events.manifest,
    manifest_sha256 = %(sha256)s
FROM events
WHERE
    builds.id = %(build_id)s
    AND events.delivery_id = %(delivery_id)s
    AND events.place = %(place)s
