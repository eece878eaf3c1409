-- Where a large body waits, in pieces, for the statement of the same transaction that keeps it whole:
-- nobody else ever sees a row of it, so that it need not outlive a crash.

CREATE UNLOGGED TABLE body_pieces (
    delivery_id UUID NOT NULL,
    place INTEGER NOT NULL,
    piece BYTEA NOT NULL,
    PRIMARY KEY (delivery_id, place)
);

ALTER TABLE body_pieces ALTER COLUMN piece SET STORAGE EXTERNAL; -- for a moment: not compressed
