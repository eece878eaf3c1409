-- The settings files that receivers read at the moment, each a row for as long as its receiver says
-- so every few seconds. version is that of the file's contents in settings_documents, where they are
-- kept there.

CREATE TABLE settings_files (
    receiver UUID NOT NULL,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    version INTEGER,
    seen_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (receiver, kind)
);
