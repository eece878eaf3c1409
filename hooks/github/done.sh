#!/usr/bin/env bash
# Say how the job ended; the first step of this action may not have run.
set -u
MILEPOST_BIN=$RUNNER_TEMP/milepost
rm -f "$MILEPOST_BIN/heartbeat"
if ! command -v milepost-hook >/dev/null; then
    echo 'milepost: not reporting: the action was not used before, without a status' >&2
    exit 0
fi
# shellcheck source=hooks/install.sh
. "$GITHUB_ACTION_PATH/../install.sh"
milepost-hook 'done' --status "$GIVEN_STATUS"
