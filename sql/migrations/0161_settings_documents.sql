-- Settings as people wrote them, in TOML. A row is never changed: the newest of a kind counts.

CREATE TABLE settings_documents (
    kind TEXT NOT NULL,
    version BIGINT NOT NULL, -- of settings_versions, when it was written
    document TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    created_by TEXT NOT NULL,
    PRIMARY KEY (kind, version)
);
