#!/bin/sh
# One build in three Packer runs, each from the last one's artifact; what is done is skipped.
# MILEPOST_BUILD_NUMBER says which build; arguments go to the last run.
set -eu
templates=$(dirname "$0")
target=file.image # Packer's name of the source, the same in every template
if [ -z "${CI:-}${BUILD_URL:-}" ]; then # three Packer runs are one attempt: a CI's job is one anyway
    export MILEPOST_RUN_KEY="${MILEPOST_RUN_KEY:-chain-$(date +%s)-$$}"
fi

state=$(milepost-hook resume --target "$target")
from=$(milepost-hook resume --target "$target" --print artifact)
if [ "$state" -eq 100 ]; then exit 0; fi
if [ "$state" -gt 0 ]; then export MILEPOST_RESUMED_FROM="$state" MILEPOST_SOURCE="$from"; fi

run() { # FIRST LAST TEMPLATE: the states that this run takes the image through
    first=$1 last=$2 template=$3 && shift 3
    if [ "$state" -gt "$last" ]; then return; fi
    MILEPOST_PART=$first-$last milepost-hook packer build -force "$@" "$templates/$template"
}

run 5 15 base.pkr.hcl
if [ "$state" -le 15 ]; then from=image-base.txt; fi
run 20 50 hardened.pkr.hcl -var "from=$from"
if [ "$state" -le 50 ]; then from=image-hardened.txt; fi
run 55 100 application.pkr.hcl -var "from=$from" "$@"
