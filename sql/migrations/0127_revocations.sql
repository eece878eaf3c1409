-- Builds whose images are not to be used from a moment on. What follows for channels, images and
-- descendants is computed when it is read. A row stays after it was taken back.

CREATE TABLE revocations (
    id UUID PRIMARY KEY,
    build_id UUID NOT NULL REFERENCES builds (id), -- keeps the build from every delete
    reason TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL, -- valid until then
    descendants BOOLEAN NOT NULL, -- of the same project, and of those below it
    replacement_id UUID REFERENCES builds (id),
    revoked_by TEXT NOT NULL,
    revoked_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    restored_by TEXT,
    restored_at TIMESTAMPTZ
);

CREATE INDEX idx_revocations_build_id ON revocations (build_id);
CREATE INDEX idx_revocations_replacement_id ON revocations (replacement_id);
CREATE INDEX idx_revocations_active ON revocations (descendants, at) WHERE restored_at IS NULL;
