-- Insert a change behind the last one of the chain, which is locked. Its digest is the SHA-256 of the
-- text of list_chain.sql.
WITH last AS (
    SELECT seq, digest FROM audit WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1
),

entry AS (
    SELECT coalesce((SELECT seq FROM last), 0) + 1 AS seq, now() AS at
)

INSERT INTO audit (
    id, at, who, via, action, target_kind, target_id, target_name, before, after, seq, digest
)
SELECT
    %(id)s::uuid, entry.at, %(who)s::text, %(via)s::text, %(action)s::text, %(target_kind)s::text,
    %(target_id)s::uuid, %(target_name)s::text, %(before)s::jsonb, %(after)s::jsonb, entry.seq,
    sha256(convert_to(
        jsonb_build_array(
            encode((SELECT digest FROM last), 'hex'), entry.seq, %(id)s::uuid,
            to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), %(who)s::text,
            %(via)s::text, %(action)s::text, %(target_kind)s::text, %(target_id)s::uuid,
            %(target_name)s::text, %(before)s::jsonb, %(after)s::jsonb
        )::text,
        'UTF8'
    ))
FROM entry
