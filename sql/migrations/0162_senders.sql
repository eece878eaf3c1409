-- Named senders of a source, with secrets of their own, for all receivers of this database.

CREATE TABLE senders (
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    projects TEXT[] NOT NULL, -- that it may write; none is every one
    -- Newest first: sha256:… is the digest of a random token, fernet:… an encrypted secret.
    secrets TEXT[] NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    created_by TEXT NOT NULL,
    disabled_at TIMESTAMPTZ, -- by a restore for a drill; nothing is taken from it meanwhile
    PRIMARY KEY (source, name)
);
