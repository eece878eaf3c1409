-- Create an image type from its name.
INSERT INTO image_types (name, display_name)
VALUES (%(name)s, %(display_name)s)
ON CONFLICT (name) DO NOTHING
