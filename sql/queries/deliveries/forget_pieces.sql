-- Remove the pieces of bodies that are kept whole by now.
DELETE FROM body_pieces WHERE delivery_id = ANY(%(delivery_ids)s::uuid[])
