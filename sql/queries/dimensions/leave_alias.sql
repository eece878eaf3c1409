-- Let an old name lead to a row, with what its merge's undo needs; null where it was renamed.
INSERT INTO name_aliases (dimension, name, target_id, merged)
VALUES (%(dimension)s, %(name)s, %(target_id)s, %(merged)s)
ON CONFLICT (dimension, name) DO UPDATE SET
    target_id = excluded.target_id, merged = excluded.merged
