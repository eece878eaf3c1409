#!/bin/sh
# Report to Milepost from an image without Python; needs curl and openssl. It never breaks a build.
# Set MILEPOST_URL and MILEPOST_SECRET, and MILEPOST_BUILD_NUMBER where neither CI nor Packer runs.
set -u
usage='usage: milepost-hook.sh stage NAME [--state 0..100] | done --status success|failure|cancelled | manifest FILE'
quit() { echo "milepost: $1" >&2; case ${MILEPOST_STRICT:-0} in 0) exit 0 ;; *) exit 1 ;; esac; }
text() { # a JSON string, or null; a control character becomes a blank
    [ -z "$1" ] && printf null && return
    printf '"%s"' "$(printf %s "$1" | tr '\001-\037' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g')"
}
pad() { # HMAC's padded key, written by builtins: the secret is in no process's arguments
    mask=$1 count=0 key=${secret#whsec_} && key=${key%%=*}
    case $((${#key} % 4)) in 2) key=$key== ;; 3) key=$key= ;; esac
    # shellcheck disable=SC2046  # a list of numbers
    set -- $(printf %s "$key" | openssl base64 -d -A 2>/dev/null | od -An -v -tu1)
    while [ "$((count += 1))" -le 64 ]; do
        byte=$((${1:-0} ^ mask)) && { [ $# -eq 0 ] || shift; }
        printf %b "\\0$((byte / 64))$((byte / 8 % 8))$((byte % 8))"
    done
}
sha256() { openssl dgst -sha256 -binary; }; sign() { { pad 92; { pad 54; cat; } | sha256; } | sha256 | openssl base64 -A; } # RFC 2104
run='' job='' attempt=null run_key=${PACKER_RUN_UUID:-local} # who speaks: as in hooks/identity.py
if [ -n "${GITHUB_RUN_ID:-}" ]; then
    run=${GITHUB_REPOSITORY:-}-$GITHUB_RUN_ID job=${GITHUB_JOB:-} attempt=${GITHUB_RUN_ATTEMPT:-1}
    run_key=github:${GITHUB_REPOSITORY:-}:$GITHUB_RUN_ID:$attempt:${MILEPOST_CHECK_RUN_ID:-${JOB_CHECK_RUN_ID:-${RUNNER_NAME:-}}}
elif [ -n "${CI_JOB_ID:-}" ]; then run_key=gitlab:${CI_SERVER_HOST:-}:$CI_JOB_ID
    run=${CI_PROJECT_PATH:-}-${CI_PIPELINE_ID:-} job=${CI_JOB_NAME:-}
elif [ -n "${BUILD_URL:-}" ]; then run=${JOB_NAME:-}-${BUILD_NUMBER:-} run_key=jenkins:$BUILD_URL; fi
said=${MILEPOST_OS_VERSION:-}-${MILEPOST_IMAGE_TYPE:-}-${MILEPOST_PLATFORM:-} && [ "$said" != -- ] || said=$job
[ -n "$run" ] || { run=${PACKER_RUN_UUID:+packer-$PACKER_RUN_UUID} && said=''; }
number=${run:+$run-$said-${PACKER_BUILDER_TYPE:-}-${PACKER_BUILD_NAME:-}}
whole=$(printf %s "$number" | tr / . | LC_ALL=C tr -cs 'A-Za-z0-9._@+\200-\377' - | sed 's/^-//; s/-$//') # letters of every alphabet
number=$(printf %s "$whole" | LC_ALL=C tr -cs 'A-Za-z0-9._@+' - | sed 's/^-//; s/-$//')
letters=$(printf %s "$whole" | LC_ALL=C tr -d '\001-\177' | LC_ALL=C sed "s/$(printf '\302\240')//g; s/$(printf '\302\267')//g; s/$(printf '\342\200').//g")
[ -z "$letters" ] || number=$(printf %s "$number" | cut -c 1-189)-$(printf %s "$whole" | sha256 | od -An -tx1 | tr -d ' \n' | cut -c 1-10)
number=${MILEPOST_BUILD_NUMBER:-${number#-}} url=${MILEPOST_URL:-} && secret=$(printf %s "${MILEPOST_SECRET:-}" | head -n 1)
case $#:${2:-}:${3:-} in 3:--status:*) set -- "$1" "$3" ;; 4:*:--state) set -- "$1" "$2" "$4" ;; esac
case ${MILEPOST_WRAPPED:-}:${1:-} in 1:done) exit 0 ;; 1:manifest) printf 'milepost: manifest %s\n' "${2:-}" && exit 0 ;; esac # it judges
event='' manifest=null at=$(date -u +%Y-%m-%dT%H:%M:%S.%N) && case ${at#*.} in '' | *[!0-9]*) at=${at%%.*} ;; esac
case ${1:-}:$#:${3:-0} in
    stage:2:0 | stage:3:[0-9] | stage:3:[1-9][0-9] | stage:3:100)
        mark="milepost: stage ${3:--} $(printf %s "$2" | tr -s '[:space:]' ' ')" # the wrapper around Packer reads it
        [ "${MILEPOST_WRAPPED:-}" != 1 ] || { printf '%s\n' "$mark" && exit 0; }
        event="\"kind\":\"stage\",\"status\":\"started\",\"stage\":$(text "$2")${3:+,\"state\":$3}" ;;
    done:2:*) case $(printf %s "$2" | tr '[:upper:]' '[:lower:]') in
            success | succeeded | completed | passed | ok | unstable | neutral) status=completed ;;
            failure | failed | error | timed_out | startup_failure | stale) status=failed ;;
            cancelled | canceled | aborted | not_built | skipped) status=cancelled ;;
            *) quit "$usage" ;; esac && event="\"kind\":\"build\",\"status\":\"$status\"" ;;
    manifest:2:*) manifest=$(cat "$2" 2>/dev/null)
        case $manifest in '{'*'}') ;; *) quit "not reporting: $2 holds no manifest" ;; esac ;;
    *) quit "$usage" ;; esac
case "$url|$secret|$number" in '|'* | *'||'* | *'|') quit 'not reporting: set MILEPOST_URL, MILEPOST_SECRET and MILEPOST_BUILD_NUMBER' ;; esac
id=msg_$(openssl rand -hex 16) time=$(date +%s) && case $url in */webhooks/*) ;; *) url=${url%/}/webhooks/milepost ;; esac
build="{\"number\":$(text "$number"),\"project\":$(text "${MILEPOST_PROJECT:-}"),\"platform\":$(text "${MILEPOST_PLATFORM:-${PACKER_BUILDER_TYPE:-}}"),\"os_version\":$(text "${MILEPOST_OS_VERSION:-}"),\"image_type\":$(text "${MILEPOST_IMAGE_TYPE:-}")}"
body="{\"version\":1,\"build\":$build,\"run\":{\"key\":$(text "$run_key"),\"attempt\":$attempt},\"events\":[${event:+{$event,\"at\":\"${at}Z\"\}}],\"manifest\":$manifest}"
case $secret in
    bearer:?*) header="authorization: Bearer ${secret#bearer:}" ;;
    whsec_?*) header="webhook-signature: v1,$(printf %s "$id.$time.$body" | sign)" ;;
    *) quit 'not reporting: MILEPOST_SECRET must be whsec_ and base64, or bearer: and a token' ;; esac
answer=$(printf %s "$body" | { printf 'header = "%s"\n' "$header" | curl -A milepost-hook.sh -s -m 4 -o /dev/null -w '%{http_code}' \
    --retry 2 --retry-connrefused --retry-max-time 4 -H 'content-type: application/json' -H "webhook-id: $id" -H "webhook-timestamp: $time" \
    -K - --data-binary @/dev/fd/3 "$url"; } 3<&0); case $answer in *2??) ;; *) quit "not reported: status ${answer:-000} (000: no answer)" ;; esac
