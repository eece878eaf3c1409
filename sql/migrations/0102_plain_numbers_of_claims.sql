-- The plain number that Packer's wrapper says beside that of a target's build, and how many targets
-- its run has. joined: this claim is of a job that speaks under that plain number itself.

ALTER TABLE run_keys
    ADD COLUMN job_number TEXT,
    ADD COLUMN targets INTEGER,
    ADD COLUMN joined TEXT;
