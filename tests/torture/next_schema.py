"""`milepost migrate` of a next release: this release's migrations, and one more."""

import sys

from receiver.storage.migrate import Migration, migrate, migration_files

TEXT = """
ALTER TABLE deliveries ADD COLUMN later_note TEXT;
CREATE INDEX idx_builds_later ON builds (status, created_at);
"""

if __name__ == "__main__":
    later = Migration.read("9000_later", TEXT)
    migrate(sys.argv[1], [*migration_files(), later])
