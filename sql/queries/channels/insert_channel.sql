-- Create a channel; no row where its project has one of this name.
INSERT INTO channels (id, project_id, name, restricted, require, created_by)
VALUES (%(id)s, %(project_id)s, %(name)s, %(restricted)s, %(require)s, %(created_by)s)
ON CONFLICT DO NOTHING
RETURNING created_at
