#!/bin/sh
# Make what compose.yaml and compose.ha.yaml need and must not hold: passwords, the hooks' secret and
# the key of the senders. What is there stays as it is, so run it again after an upgrade.
set -eu
cd "$(dirname "$0")"
# Nobody else on the host may enter the folder; in the container another user reads the files.
[ -d secrets ] || mkdir -m 700 secrets
cd secrets
random() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }
in_url() { random | tr '+/' '-_' | tr -d '='; }
# Write stdin to a file, whole or not at all, unless it is there.
add() {
    if [ -e "$1" ]; then
        cat >/dev/null
    else
        cat >".$1"
        chmod 444 ".$1"
        mv ".$1" "$1"
        echo "made deploy/secrets/$1"
    fi
}
in_url | add postgres_password
password=$(cat postgres_password)
in_url | add postgres_superuser
in_url | add postgres_replication
printf 'postgresql://milepost:%s@postgres/milepost' "$password" | add database_url
# Of compose.ha.yaml: whichever of the three may be written to, and whichever follows.
members=postgres1,postgres2,postgres3
printf 'postgresql://milepost:%s@%s/milepost?target_session_attrs=read-write' "$password" \
    "$members" | add database_url_ha
printf 'postgresql://milepost:%s@%s/milepost?target_session_attrs=prefer-standby' "$password" \
    "$members" | add database_url_read
printf 'whsec_%s' "$(random)" | add milepost
# It encrypts the senders' secrets in the database: keep a copy of it apart from the database.
random | add sender_key
echo "deploy/secrets is complete; the hooks' secret is in deploy/secrets/milepost"
