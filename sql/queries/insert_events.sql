-- Keep what deliveries say, each about one run of one build or about one job of a forge.
INSERT INTO events (
    delivery_id, place, build_id, source, run_key, statement, manifest, native, alias_key,
    began_at, ended_at, native_number, run_group
)
SELECT *
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    delivery_id uuid, place integer, build_id uuid, source text, run_key text, statement jsonb,
    manifest jsonb, native boolean, alias_key text, began_at timestamptz, ended_at timestamptz,
    native_number text, run_group text
)
