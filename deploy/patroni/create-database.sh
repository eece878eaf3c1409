#!/bin/sh
# Create the receiver's role and database; Patroni calls it once, with the superuser's address.
set -eu
: "${MILEPOST_PASSWORD_FILE:=/run/secrets/postgres_password}"
export MILEPOST_PASSWORD_FILE
# psql reads the file itself: every user of the host may see arguments.
psql --no-psqlrc --set ON_ERROR_STOP=1 "$1" <<'SQL'
\set password `cat "$MILEPOST_PASSWORD_FILE"`
CREATE ROLE milepost LOGIN PASSWORD :'password';
CREATE DATABASE milepost OWNER milepost TEMPLATE template0 ENCODING 'UTF8';
SQL
