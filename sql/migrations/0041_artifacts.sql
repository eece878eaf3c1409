-- What people add of an artifact by hand: where it lies, what it is for, until when it is kept.
-- Channels, revocations and ancestors can be tables of their own later: by build and artifact_id.

ALTER TABLE artifacts
    ADD COLUMN storage TEXT, -- such as s3, glance, nfs
    ADD COLUMN path TEXT,
    ADD COLUMN size_bytes BIGINT,
    ADD COLUMN kind TEXT CHECK (kind IN ('final', 'resumable')), -- null where nobody says
    ADD COLUMN expires_at TIMESTAMPTZ;

-- Every failure, the newest first; the open ones have an index of their own.
CREATE INDEX idx_build_failures_newest ON build_failures (created_at DESC, id DESC);
