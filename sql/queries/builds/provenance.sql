-- What the newest report of a build says about how it was made; no row where none says anything.
SELECT
    events.statement #>> '{run,packer_version}' AS packer_version,
    events.statement #> '{run,plugins}' AS plugins,
    events.statement #>> '{run,template_sha256}' AS template_sha256,
    (events.statement #>> '{run,dirty}')::boolean AS dirty
FROM events
JOIN deliveries ON deliveries.id = events.delivery_id
WHERE
    events.build_id = %(build_id)s
    AND (
        events.statement #> '{run}' ? 'template_sha256'
        OR events.statement #> '{run}' ? 'packer_version'
    )
ORDER BY deliveries.received_at DESC, events.place DESC
LIMIT 1
