-- Enable the disabled senders of a name, and of a source, where they are named: source, name.
UPDATE senders SET disabled_at = NULL
WHERE disabled_at IS NOT NULL
    AND (%(name)s::TEXT IS NULL OR name = %(name)s::TEXT)
    AND (%(source)s::TEXT IS NULL OR source = %(source)s::TEXT)
RETURNING source, name
