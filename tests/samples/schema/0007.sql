INSERT INTO name_aliases (dimension, name, target_id)
VALUES ('platform', 'aws', '00000000-0000-0000-0000-000000000002');
