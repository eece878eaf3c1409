-- Create a platform from its name.
INSERT INTO platforms (name, display_name, cloud_provider)
VALUES (%(name)s, %(display_name)s, %(cloud_provider)s)
ON CONFLICT (name) DO NOTHING
