-- Note how far a log has got.
UPDATE audit_sent SET seq = %(seq)s, at = now() WHERE log = %(log)s
