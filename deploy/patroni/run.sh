#!/bin/sh
# Start Patroni with the passwords of the secrets' files.
set -eu
PATRONI_SUPERUSER_PASSWORD=$(cat /run/secrets/postgres_superuser)
PATRONI_REPLICATION_PASSWORD=$(cat /run/secrets/postgres_replication)
export PATRONI_SUPERUSER_PASSWORD PATRONI_REPLICATION_PASSWORD
exec patroni /etc/patroni/patroni.yml
