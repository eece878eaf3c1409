-- What is revoked of a build's last attempt: `revocation`, null where nothing is.
SELECT revocation_json(builds.id, builds.attempt, now()) AS revocation
FROM builds
WHERE builds.id = %(build_id)s
