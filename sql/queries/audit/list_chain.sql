-- The next entries of the chain behind a place, in order: the columns, `previous` (the digest of the
-- entry before, as it is kept), and the `text` of which the digest is made.
SELECT
    audit.id, audit.at, audit.who, audit.via, audit.action, audit.target_kind, audit.target_id,
    audit.target_name, audit.before, audit.after, audit.seq, encode(audit.digest, 'hex') AS digest,
    encode(earlier.digest, 'hex') AS previous,
    jsonb_build_array(
        encode(earlier.digest, 'hex'), audit.seq, audit.id,
        to_char(audit.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), audit.who, audit.via,
        audit.action, audit.target_kind, audit.target_id, audit.target_name, audit.before, audit.after
    )::text AS text
FROM audit
LEFT JOIN audit AS earlier ON earlier.seq = audit.seq - 1
WHERE audit.seq > %(after)s
ORDER BY audit.seq
LIMIT %(limit)s
