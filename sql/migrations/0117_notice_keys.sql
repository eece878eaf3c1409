-- What comes with time is looked up by its key each minute.

CREATE INDEX idx_notices_key ON notices (key);
