-- Send a piece of a body ahead of the statement that keeps the delivery.
INSERT INTO body_pieces (delivery_id, place, piece)
VALUES (%(delivery_id)s, %(place)s, %(piece)b)
