-- Note causes of notices.
INSERT INTO notice_causes (id, type, at, build_id, attempt, delivery_id)
SELECT id, type, at, build_id, attempt, delivery_id
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, type text, at timestamptz, build_id uuid, attempt integer, delivery_id uuid
)
