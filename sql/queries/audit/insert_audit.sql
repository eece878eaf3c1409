-- Insert a change.
INSERT INTO audit (id, who, via, action, target_kind, target_id, target_name, before, after)
VALUES (
    %(id)s, %(who)s, %(via)s, %(action)s, %(target_kind)s, %(target_id)s, %(target_name)s,
    %(before)s, %(after)s
)
