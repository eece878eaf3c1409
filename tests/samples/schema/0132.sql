INSERT INTO audit_sent (log, seq) VALUES ('stdout', 1);
