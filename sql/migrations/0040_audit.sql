-- Who changed what: every change by token, page, proxy's user or command, with what was before it.

CREATE TABLE audit (
    id UUID PRIMARY KEY, -- in the order of time
    at TIMESTAMPTZ NOT NULL DEFAULT now(),
    who TEXT NOT NULL,
    via TEXT NOT NULL CHECK (via IN ('token', 'page', 'proxy', 'command')),
    action TEXT NOT NULL, -- such as failure.resolve
    target_kind TEXT NOT NULL,
    target_id UUID,
    target_name TEXT,
    before JSONB, -- what of it changed; never a secret or a digest
    after JSONB
);

CREATE INDEX idx_audit_newest ON audit (at DESC, id DESC);
CREATE INDEX idx_audit_target ON audit (target_kind, target_name, at DESC, id DESC);
