-- Who is told of what (docs/notices.md). No foreign keys: what was said outlives what it was of, and a
-- delivery locks nothing for a notice.

-- What changed for an image, written in the transaction that changed it; deleted once it is known who
-- is told of it.
CREATE TABLE notice_causes (
    id UUID PRIMARY KEY,
    type TEXT NOT NULL, -- failed, completed or quarantined
    at TIMESTAMPTZ NOT NULL,
    build_id UUID,
    attempt INTEGER,
    delivery_id UUID
);

-- One piece of news for one notice of the file.
CREATE TABLE notices (
    id UUID PRIMARY KEY,
    notice TEXT NOT NULL, -- its name in the file
    key TEXT NOT NULL, -- type, image, build and attempt: told once
    type TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL, -- when it happened
    created_at TIMESTAMPTZ NOT NULL,
    window_at TIMESTAMPTZ NOT NULL, -- the begin of its window
    is_late BOOLEAN NOT NULL,
    build_id UUID,
    attempt INTEGER,
    project_id UUID,
    subject TEXT NOT NULL, -- the image, or what else it is of
    facts JSONB NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'held', 'told', 'dropped')),
    reason TEXT, -- why it is held or was dropped
    batch_id UUID, -- of the messages that tell it
    UNIQUE (notice, key)
);

CREATE INDEX idx_notices_open ON notices (notice, created_at) WHERE status IN ('waiting', 'held');
CREATE INDEX idx_notices_newest ON notices (created_at DESC, id DESC);
CREATE INDEX idx_notices_subject ON notices (notice, subject, type) WHERE status = 'told';
CREATE INDEX idx_notices_window ON notices (notice, window_at, type) WHERE status = 'told';
CREATE INDEX idx_notices_batch ON notices (batch_id);

-- One message to one address. The address is not kept: target_key is a digest of it.
CREATE TABLE notice_messages (
    id UUID PRIMARY KEY,
    batch_id UUID NOT NULL,
    notice TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_key TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    document JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at TIMESTAMPTZ NOT NULL,
    claimed_until TIMESTAMPTZ,
    sent_at TIMESTAMPTZ,
    given_up_at TIMESTAMPTZ,
    problem TEXT -- why the last try failed, in our words
);

CREATE INDEX idx_notice_messages_due
    ON notice_messages (next_at) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX idx_notice_messages_batch ON notice_messages (batch_id);

-- When the next digest of a notice is due.
CREATE TABLE notice_digests (
    notice TEXT PRIMARY KEY,
    rule TEXT NOT NULL, -- as in the file: another one counts anew
    due_at TIMESTAMPTZ NOT NULL
);
