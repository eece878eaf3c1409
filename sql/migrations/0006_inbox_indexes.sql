-- What /deliveries asks: newest first, of one sender, and what could not be used. Only the first
-- costs a delivery that was understood.

CREATE INDEX idx_deliveries_sender ON deliveries (source, sender, received_at DESC, id DESC);
CREATE INDEX idx_deliveries_unused_sender
    ON deliveries (source, sender, outcome, received_at DESC, id DESC) WHERE outcome <> 'stored';
CREATE INDEX idx_deliveries_unused
    ON deliveries (outcome, received_at DESC, id DESC) WHERE outcome <> 'stored';
CREATE INDEX idx_deliveries_reason
    ON deliveries (reason, received_at DESC, id DESC) WHERE reason IS NOT NULL;
