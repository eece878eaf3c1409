-- Delete the events of a delivery.
DELETE FROM events WHERE delivery_id = %(id)s
