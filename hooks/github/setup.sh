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
for name in URL SECRET PROJECT PLATFORM OS_VERSION IMAGE_TYPE BUILD_NUMBER HOOK_SHA256 CHECK_RUN_ID MATRIX; do
    given=GIVEN_$name
    [ -z "${!given:-}" ] || give "MILEPOST_$name" "${!given}"
done
MILEPOST_BIN=$RUNNER_TEMP/milepost
# shellcheck source=hooks/install.sh
. "$GITHUB_ACTION_PATH/../install.sh"
[ ! -d "$MILEPOST_BIN" ] || echo "$MILEPOST_BIN" >>"$GITHUB_PATH"

# Legs of a matrix that nothing above tells apart share a number, so the leg's index is added to it.
said=" ${MILEPOST_PLATFORM:-} ${MILEPOST_OS_VERSION:-} ${MILEPOST_IMAGE_TYPE:-} "
while read -r value; do
    case $said in *" $value "*) continue ;; esac
    give MILEPOST_LEG "${GIVEN_JOB_INDEX:-}"
    break
done < <(sed -n 's/^  "[^"]*": "\{0,1\}\(.*[^",]\)\{0,1\}"\{0,1\},\{0,1\}$/\1/p' <<<"${GIVEN_MATRIX:-}")

# Heartbeats until the runner's worker ends, so that a lost runner shows as stalled. In a container
# the parent is not in the same namespace: there the process ends with the container.
if [ -n "${MILEPOST_SECRET:-}" ] && mkdir -p "$MILEPOST_BIN" && : >"$MILEPOST_BIN/heartbeat"; then
    watch=() && [ "$PPID" -le 1 ] || watch=(--watch "$PPID")
    PATH=$MILEPOST_BIN:$PATH nohup milepost-hook heartbeat "$MILEPOST_BIN/heartbeat" ${watch[@]+"${watch[@]}"} </dev/null >/dev/null 2>&1 &
fi
exit 0
