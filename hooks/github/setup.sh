#!/usr/bin/env bash
# Put milepost-hook on the PATH of the steps that follow, and what was given into their environment.
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
set -u
give() { # a value may have several lines: none of them may name another variable
    local end
    end=end-$RANDOM-$RANDOM-$RANDOM-$RANDOM
    printf '%s<<%s\n%s\n%s\n' "$1" "$end" "$2" "$end" >>"$GITHUB_ENV"
    export "$1=$2"
}
for name in URL SECRET PROJECT PLATFORM OS_VERSION IMAGE_TYPE BUILD_NUMBER HOOK_SHA256 CHECK_RUN_ID; do
    given=GIVEN_$name
    [ -z "${!given:-}" ] || give "MILEPOST_$name" "${!given}"
done
MILEPOST_BIN=$RUNNER_TEMP/milepost
# shellcheck source=hooks/install.sh
. "$GITHUB_ACTION_PATH/../install.sh"
[ ! -d "$MILEPOST_BIN" ] || echo "$MILEPOST_BIN" >>"$GITHUB_PATH"
exit 0
