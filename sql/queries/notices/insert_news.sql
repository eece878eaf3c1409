-- Insert news; what was dropped and happens again is news again.
INSERT INTO notices (
    id, notice, key, type, at, created_at, window_at, is_late, build_id, attempt, project_id, subject,
    facts, status, reason
)
SELECT
    id, notice, key, type, at, %(now)s, window_at, is_late, build_id, attempt, project_id, subject,
    facts, status, reason
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, notice text, key text, type text, at timestamptz, window_at timestamptz,
    is_late boolean, build_id uuid, attempt integer, project_id uuid, subject text, facts jsonb,
    status text, reason text
)
ON CONFLICT (notice, key) DO UPDATE SET
    at = excluded.at,
    created_at = excluded.created_at,
    is_late = excluded.is_late,
    facts = excluded.facts,
    status = excluded.status,
    reason = excluded.reason
WHERE notices.status = 'dropped' AND excluded.status = 'waiting'
