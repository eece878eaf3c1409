-- How far the audit trail was written to the log that MILEPOST_AUDIT_LOG names.

CREATE TABLE audit_sent (
    log TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
);
