-- Create a project from its name.
INSERT INTO projects (name)
VALUES (%(name)s)
ON CONFLICT (name) DO NOTHING
