-- Forget what a delivery had said.
DELETE FROM events WHERE delivery_id = %(id)s
