#!/bin/sh
# Make what compose.yaml and compose.ha.yaml need and must not hold, once: passwords and the hooks'
# secret.
set -eu
cd "$(dirname "$0")"
if [ -e secrets ]; then
    echo "deploy/secrets is there already; remove it to make new ones" >&2
    exit 1
fi
# Nobody else on the host may enter the folder; in the container another user reads the files.
mkdir -m 700 secrets
random() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }
in_url() { random | tr '+/' '-_' | tr -d '='; }
password=$(in_url)
printf '%s' "$password" >secrets/postgres_password
in_url >secrets/postgres_superuser
in_url >secrets/postgres_replication
printf 'postgresql://milepost:%s@postgres/milepost' "$password" >secrets/database_url
# Of compose.ha.yaml: whichever of the three may be written to, and whichever follows.
members=postgres1,postgres2,postgres3
printf 'postgresql://milepost:%s@%s/milepost?target_session_attrs=read-write' "$password" \
    "$members" >secrets/database_url_ha
printf 'postgresql://milepost:%s@%s/milepost?target_session_attrs=prefer-standby' "$password" \
    "$members" >secrets/database_url_read
printf 'whsec_%s' "$(random)" >secrets/milepost
# It encrypts the senders' secrets in the database: keep a copy of it apart from the database.
random >secrets/sender_key
chmod 444 secrets/*
echo "made deploy/secrets; the hooks' secret is in deploy/secrets/milepost"
