-- Delete a sender; what it sent stays.
DELETE FROM senders WHERE source = %(source)s AND name = %(name)s
