#!/bin/sh
# Make what compose.yaml needs and must not hold, once: passwords and the hooks' secret.
set -eu
cd "$(dirname "$0")"
if [ -e secrets ]; then
    echo "deploy/secrets is there already; remove it to make new ones" >&2
    exit 1
fi
# Nobody else on the host may enter the folder; in the container another user reads the files.
mkdir -m 700 secrets
random() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }
password=$(random | tr '+/' '-_' | tr -d '=')
printf '%s' "$password" >secrets/postgres_password
printf 'postgresql://milepost:%s@postgres/milepost' "$password" >secrets/database_url
printf 'whsec_%s' "$(random)" >secrets/milepost
chmod 444 secrets/*
echo "made deploy/secrets; the hooks' secret is in deploy/secrets/milepost"
