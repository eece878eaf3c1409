-- Disable every sender that is not: source, name.
UPDATE senders SET disabled_at = now() WHERE disabled_at IS NULL
RETURNING source, name
