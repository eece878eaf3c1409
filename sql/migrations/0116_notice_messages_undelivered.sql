-- What /metrics counts: messages that were not sent, few among all.

CREATE INDEX idx_notice_messages_unsent ON notice_messages (given_up_at) WHERE sent_at IS NULL;
