-- Set the secrets of a sender.
UPDATE senders SET secrets = %(secrets)s WHERE source = %(source)s AND name = %(name)s
