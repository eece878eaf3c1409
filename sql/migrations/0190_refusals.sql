-- Refused deliveries, counted by sender, reason and hour; nothing else of them is kept. `sender` is
-- '' for a source's default one and '?' for a name that is none of its senders. `detail` is what the
-- newest one was answered.

CREATE TABLE refusals (
    hour TIMESTAMPTZ NOT NULL,
    source TEXT NOT NULL,
    sender TEXT NOT NULL,
    reason TEXT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    count BIGINT NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (hour, source, sender, reason)
);
