-- Insert a sender; no row where the source has one of this name.
INSERT INTO senders (source, name, projects, secrets, created_by)
VALUES (%(source)s, %(name)s, %(projects)s, %(secrets)s, %(created_by)s)
ON CONFLICT DO NOTHING
RETURNING name
