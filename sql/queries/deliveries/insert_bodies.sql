-- Keep the bodies of deliveries, as body_encoding.py encodes them.
INSERT INTO bodies (delivery_id, body, encoding)
SELECT *
FROM unnest(
    %(ids)s::uuid[],
    %(bodies)b::bytea[], -- in binary: as texts they would be twice as long
    %(encodings)s::text[]
)
