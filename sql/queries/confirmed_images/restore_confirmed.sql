-- Bring back a row as it was.
INSERT INTO confirmed_images
SELECT * FROM jsonb_populate_record(NULL::confirmed_images, %(row)s)
ON CONFLICT DO NOTHING
