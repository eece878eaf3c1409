#!/bin/sh
# Report to Milepost from an image without Python; needs curl and openssl.
#   milepost-hook.sh stage NAME [STATE] | done success|failure|cancelled | manifest FILE
# MILEPOST_URL, MILEPOST_SECRET and MILEPOST_BUILD_NUMBER must be set. It never breaks a build.
set -u

text() { # a JSON string, or null
    [ -z "$1" ] && printf null && return
    printf '"%s"' "$(printf %s "$1" | tr '\001-\037' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g')"
}

pad() { # the 64 bytes of HMAC's padded key; the key stays out of every argument list
    number=$1 count=0
    # shellcheck disable=SC2046  # a list of numbers
    set -- $(printf '%s==' "${MILEPOST_SECRET#whsec_}" | openssl base64 -d -A 2>/dev/null | od -An -v -tu1)
    while [ "$count" -lt 64 ]; do
        # shellcheck disable=SC2059  # the format is the byte
        printf "\\$(printf %03o $((${1:-0} ^ number)))"
        [ $# -eq 0 ] || shift
        count=$((count + 1))
    done
}

digest() { openssl dgst -sha256 -binary; }
sign() { { pad 92; { pad 54; cat; } | digest; } | digest | openssl base64 -A; } # RFC 2104
run_key() {
    if [ -n "${GITHUB_RUN_ID:-}" ]; then
        job=${MILEPOST_CHECK_RUN_ID:-${RUNNER_NAME:-}}
        printf %s "github:${GITHUB_REPOSITORY:-}:$GITHUB_RUN_ID:${GITHUB_RUN_ATTEMPT:-1}:$job"
    elif [ -n "${CI_JOB_ID:-}" ]; then printf %s "gitlab:${CI_SERVER_HOST:-}:$CI_JOB_ID"
    elif [ -n "${BUILD_URL:-}" ]; then printf %s "jenkins:$BUILD_URL"
    else printf %s "${PACKER_RUN_UUID:-local}"; fi
}
nanos=$(date +%N)
case $nanos in '' | *[!0-9]*) nanos=0 ;; esac
at=\"$(date -u +%Y-%m-%dT%H:%M:%S).${nanos}Z\"
events='' manifest=''
case "${1:-}:$#" in
    stage:[23]) events="{\"kind\":\"stage\",\"status\":\"started\",\"stage\":$(text "$2"),\"at\":$at${3:+,\"state\":$3}}" ;;
    done:2) case $2 in success | passed) s=completed ;; cancel*) s=cancelled ;; *) s=failed ;; esac
        events="{\"kind\":\"build\",\"status\":\"$s\",\"at\":$at}" ;;
    manifest:2) manifest=,\"manifest\":$(cat "$2") || exit 0 ;;
    *) echo 'milepost: usage: stage NAME [STATE] | done STATUS | manifest FILE' >&2; exit 0 ;;
esac
: "${MILEPOST_URL:=}" "${MILEPOST_SECRET:=}" "${MILEPOST_BUILD_NUMBER:=}"
case "$MILEPOST_URL|$MILEPOST_SECRET|$MILEPOST_BUILD_NUMBER" in '|'* | *'||'* | *'|')
    echo 'milepost: not reporting: set MILEPOST_URL, MILEPOST_SECRET, MILEPOST_BUILD_NUMBER' >&2; exit 0 ;;
esac
body="{\"version\":1,\"build\":{\"number\":$(text "$MILEPOST_BUILD_NUMBER"),\"project\":$(text "${MILEPOST_PROJECT:-}"),\"platform\":$(text "${MILEPOST_PLATFORM:-${PACKER_BUILDER_TYPE:-}}"),\"os_version\":$(text "${MILEPOST_OS_VERSION:-}"),\"image_type\":$(text "${MILEPOST_IMAGE_TYPE:-}")},\"run\":{\"key\":$(text "$(run_key)")},\"events\":[$events]$manifest}"
id=msg_$(openssl rand -hex 16) time=$(date +%s)
case $MILEPOST_SECRET in
    bearer:*) headers="header = \"authorization: Bearer ${MILEPOST_SECRET#bearer:}\"" ;;
    *) headers="header = \"webhook-signature: v1,$(printf %s "$id.$time.$body" | sign)\"" ;;
esac
printf %s "$body" | curl -fsS -m 5 -o /dev/null --retry 3 --retry-connrefused --retry-max-time 5 \
    -H 'content-type: application/json' -H "webhook-id: $id" -H "webhook-timestamp: $time" \
    -K /dev/fd/3 --data-binary @- "${MILEPOST_URL%/}/webhooks/milepost" 3<<END || echo 'milepost: not reported' >&2
$headers
END
exit 0
