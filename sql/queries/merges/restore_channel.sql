-- Bring back a channel as it was.
INSERT INTO channels
SELECT * FROM jsonb_populate_record(NULL::channels, %(row)s)
ON CONFLICT DO NOTHING
