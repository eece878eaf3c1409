#!/bin/sh
# Report to Milepost from an image without Python; needs openssl, and curl or wget. It never breaks a build.
# Set MILEPOST_URL and MILEPOST_SECRET, and MILEPOST_BUILD_NUMBER where neither CI nor Packer runs.
set -u
export LC_ALL=C # bytes, whatever they mean
usage='usage: milepost-hook.sh stage NAME [--state 0..100] | done --status success|failure|cancelled|unchanged | manifest [FILE] | heartbeat FILE [--watch PID]'
case ${1:-} in packer) shift && echo 'milepost: not reporting what Packer does: that needs Python 3.10 or newer' >&2 && exec packer "$@" ;; esac
trap '' PIPE # a reader that left ends no build
bom=$(printf '\357\273\277') newline='
'
quit() { echo "milepost: $1" >&2; case ${MILEPOST_STRICT:-0} in 0) exit 0 ;; *) exit 1 ;; esac; }
sha256() { openssl dgst -sha256 -binary; }
digest() { printf "%.$1s" "$(printf %s "$2" | sha256 | od -An -v -tx1 | tr -d ' \n')"; }
is_ascii() { [ -z "$(printf %s "$1" | tr -d '\000-\177')" ]; }
utf8() { # stdin as escapes of printf's %b; what is not UTF-8 becomes ?; $1: at most so many characters
    od -An -v -tu1 | awk -v most="${1:-100000000}" '
        function emit(text) { if (count++ < most) printf "%s", text }
        function octal(byte) { return sprintf("\\0%03o", byte) }
        { for (i = 1; i <= NF; i++) { byte = $i + 0
            if (need && byte >= low && byte <= high) {
                part = part octal(byte); low = 128; high = 191
                if (--need == 0) emit(part)
                continue }
            if (need) { emit("?"); need = 0 }
            low = byte == 224 ? 160 : byte == 240 ? 144 : 128; high = byte == 237 ? 159 : byte == 244 ? 143 : 191
            if (byte < 128) emit(octal(byte))
            else if (byte >= 194 && byte <= 244) { part = octal(byte); need = byte < 224 ? 1 : byte < 240 ? 2 : 3 }
            else emit("?") } }
        END { if (need) emit("?") }'
}
text() { # a JSON string, or null; a control character becomes a blank
    [ -z "$1" ] && printf null && return
    escaped=$(printf %s "$1" | tr '\001-\037' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g')
    if is_ascii "$1"; then printf '"%s"' "$escaped"; else printf '"%b"' "$(printf %s "$escaped" | utf8)"; fi
}
field() { [ -z "$2" ] || printf ',"%s":%s' "$1" "$(text "$2")"; }
join() { joined='' && for part; do joined=$joined${part:+${joined:+-}$part}; done && printf %s "$joined"; }
slug() { # as in hooks/identity.py: a digest for letters that a number cannot hold, and for what is too long
    whole=$(printf %s "$1" | tr / . | tr -cs 'A-Za-z0-9._@+\200-\377' - | sed 's/^-//; s/-$//') # letters of every alphabet
    clean=$(printf %s "$whole" | tr -cs 'A-Za-z0-9._@+' - | sed 's/^-//; s/-$//')
    letters=$(printf %s "$whole" | tr -d '\001-\177' | sed "s/$(printf '\302\240')//g; s/$(printf '\302\267')//g; s/$(printf '\342\200').//g")
    if [ "${#clean}" -gt 200 ]; then clean=$(printf %.189s "$clean")-$(digest 10 "$1")
    elif [ -n "$letters" ]; then clean=$(printf %.189s "$clean")-$(digest 10 "$whole"); fi
    printf %s "${clean#-}"
}
short() { # as in hooks/identity.py: a key over 500 characters is 450, ~ and a digest
    clean=$1 && [ "${#1}" -le 500 ] || clean=$(printf %b "$(printf %s "$1" | utf8)")
    if [ "${#1}" -le 500 ] || [ "$(printf %b "$(printf %s "$clean" | utf8 500)")" = "$clean" ]; then printf %s "$clean"; return; fi
    printf '%s~%s' "$(printf %b "$(printf %s "$clean" | utf8 450)")" "$(digest 32 "$clean")"
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
sign() { { pad 92; { pad 54; cat; } | sha256; } | sha256 | openssl base64 -A; } # RFC 2104

# Who speaks: as in hooks/forges.py, which names the vendors' pages.
run='' job='' attempt=null run_key=${PACKER_RUN_UUID:-local} pipeline='' workflow='' link='' commit='' branch='' author='' main='' change=''
if [ -n "${GITHUB_RUN_ID:-}" ]; then
    run=$(join "${GITHUB_REPOSITORY:-}" "$GITHUB_RUN_ID") job=${GITHUB_JOB:-} attempt=${GITHUB_RUN_ATTEMPT:-1} workflow=${GITHUB_WORKFLOW:-}
    run_key=github:${GITHUB_REPOSITORY:-}:$GITHUB_RUN_ID:$attempt:${MILEPOST_CHECK_RUN_ID:-${JOB_CHECK_RUN_ID:-${RUNNER_NAME:-}}}
    pipeline=github:${GITHUB_REPOSITORY:-}:$GITHUB_RUN_ID commit=${GITHUB_SHA:-} branch=${GITHUB_HEAD_REF:-${GITHUB_REF_NAME:-}} author=${GITHUB_ACTOR:-}
    link=${GITHUB_SERVER_URL:-https://github.com}/${GITHUB_REPOSITORY:-}/actions/runs/$GITHUB_RUN_ID
    case ${GITHUB_EVENT_NAME:-} in
        pull_request*) change=${GITHUB_REF:-} change=${change#refs/pull/} change=${change%%/*} && case $change in '' | *[!0-9]*) change=$GITHUB_EVENT_NAME ;; esac ;;
        *) main=$(sed -n 's/.*"default_branch": *"\([^"\\]*\)".*/\1/p' "${GITHUB_EVENT_PATH:-/dev/null}" 2>/dev/null | head -n 1) ;;
    esac
elif [ -n "${CI_JOB_ID:-}" ]; then
    run_key=gitlab:${CI_SERVER_HOST:-}:$CI_JOB_ID job=${CI_JOB_NAME:-} link=${CI_JOB_URL:-} workflow=${CI_PIPELINE_NAME:-}
    run=$(join "${CI_PROJECT_PATH:-}" "${CI_PIPELINE_ID:-}") pipeline=${CI_PIPELINE_ID:+gitlab:${CI_SERVER_HOST:-}:$CI_PIPELINE_ID}
    commit=${CI_COMMIT_SHA:-} branch=${CI_MERGE_REQUEST_SOURCE_BRANCH_NAME:-${CI_COMMIT_REF_NAME:-}} author=${GITLAB_USER_LOGIN:-}
    main=${CI_DEFAULT_BRANCH:-} change=${CI_MERGE_REQUEST_IID:-}
elif [ -n "${BUILD_URL:-}" ]; then
    run=$(join "${JOB_NAME:-}" "${BUILD_NUMBER:-}") run_key=jenkins:$BUILD_URL link=$BUILD_URL workflow=${JOB_NAME:-}
    commit=${GIT_COMMIT:-} branch=${CHANGE_BRANCH:-${BRANCH_NAME:-}} author=${BUILD_USER_ID:-} change=${CHANGE_ID:-}
fi
in_ci=$run pipeline=${MILEPOST_PIPELINE:-$pipeline} run_key=${MILEPOST_RUN_KEY:-$run_key}
[ "${#link}" -le 2000 ] || link=$(printf %b "$(printf %s "${link%%[?#]*}" | utf8 2000)")
said=$(join "${MILEPOST_OS_VERSION:-}" "${MILEPOST_IMAGE_TYPE:-}" "${MILEPOST_PLATFORM:-}") && said=${said:-$job}
[ -n "$run" ] || { run=${PACKER_RUN_UUID:+packer-$PACKER_RUN_UUID} && said=''; }
number=${run:+$(slug "$(join "$run" "$said" "${MILEPOST_LEG:-}" "${PACKER_BUILDER_TYPE:-}" "${PACKER_BUILD_NAME:-}")")}
number=${MILEPOST_BUILD_NUMBER:-$number} number=${number#"$bom"} url=${MILEPOST_URL:-} url=${url#"$bom"}
secret=$(printf %s "${MILEPOST_SECRET:-}" | head -n 1 | tr -d '\r') && secret=${secret#"$bom"}

find_manifest() { # the one of the last 24 hours: a manifest in the repository is an older run's
    found='' && for each in packer-manifest*.json *manifest.json; do
        case "|$found|" in *"|$each|"*) continue ;; esac
        grep -q '"builds"' "$each" 2>/dev/null || continue
        newest=$(tr , '\n' <"$each" | tr '{' '\n' | sed -n 's/.*"build_time"[^0-9]*\([0-9]\{1,12\}\).*/\1/p' | sort -n | tail -n 1)
        [ "${newest:-$(date +%s)}" -le "$(($(date +%s) - 86400))" ] || found=${found:+$found|}$each
    done
    case $found in
        '') quit "not reporting: no manifest of the last 24 hours in $PWD: looked for packer-manifest*.json, *manifest.json; name the file" ;;
        *'|'*) quit "not reporting: there are $(printf %s "$found" | sed 's/|/, /g'): name the file" ;;
    esac
}
read_manifest() { # without what Windows' tools add
    [ -f "$1" ] || quit "not reporting: $1 holds no manifest: it is no file"
    case $(head -c 2 "$1" 2>/dev/null | od -An -tx1 | tr -d ' ') in fffe | feff) quit "not reporting: $1 is UTF-16: save it as UTF-8" ;; esac
    manifest=$(tr -d '\r' 2>/dev/null <"$1") && manifest=${manifest#"$bom"} && manifest=${manifest#"${manifest%%[![:space:]]*}"}
    case $manifest in '{'*'"builds"'*'['*'{'*'}'*']'*'}') ;; *) quit "not reporting: $1 holds no manifest" ;; esac
}
case $#:${2:-}:${3:-} in 3:--status:*) set -- "$1" "$3" ;; 4:*:--state | 4:*:--watch) set -- "$1" "$2" "$4" ;; esac
case ${MILEPOST_WRAPPED:-}:$#:${1:-} in
    1:*:done) exit 0 ;; # the wrapper judges
    *:1:manifest) find_manifest && set -- manifest "$PWD/$found" ;;
esac
case ${MILEPOST_WRAPPED:-}:${1:-} in 1:manifest) printf 'milepost: manifest %s\n' "${2:-}"; exit 0 ;; esac
event='' word='' manifest=null at=$(date -u +%Y-%m-%dT%H:%M:%S.%N) && case ${at#*.} in '' | *[!0-9]*) at=${at%%.*} ;; esac
case ${1:-}:$#:${3:-0} in
    stage:2:0 | stage:3:[0-9] | stage:3:[1-9][0-9] | stage:3:100)
        mark="milepost: stage ${3:--} $(printf %s "$2" | tr -s '[:space:]' ' ')" # the wrapper around Packer reads it
        [ "${MILEPOST_WRAPPED:-}" != 1 ] || { printf '%s\n' "$mark"; exit 0; }
        event="\"kind\":\"stage\",\"status\":\"started\",\"stage\":$(text "$2")${3:+,\"state\":$3}" ;;
    done:2:*) verdict=$(printf %s "$2" | tr '[:upper:]' '[:lower:]') && case $verdict in
            success | succeeded | completed | passed | ok | unstable | neutral) status=completed ;;
            unchanged) status=completed && word=',"word":"unchanged"' ;;
            failure | failed | error | timed_out | startup_failure | stale) status=failed ;;
            cancelled | canceled | aborted | not_built | skipped) status=cancelled ;;
            *) quit "$usage" ;; esac && ended=$status event="\"kind\":\"build\",\"status\":\"$status\""
        case $verdict in unstable | neutral | timed_out | startup_failure | stale) event="$event,\"failure\":{\"type\":\"build\",\"message\":\"The CI's own word: $verdict\"}" ;; esac ;;
    manifest:2:*) read_manifest "$2" ;;
    beat:1:*) event='"kind":"heartbeat"' ;;
    heartbeat:[23]:*) count=0 # until the file or the process is gone, for eight hours at most
        while [ -e "$2" ] && { [ $# -eq 2 ] || kill -0 "$3" 2>/dev/null; } && [ "$count" -lt 14400 ]; do
            [ "$((count % 30))" -ne 0 ] || MILEPOST_STRICT=0 sh "$0" beat 2>/dev/null
            count=$((count + 1)) && sleep 2
        done && exit 0 ;;
    *) quit "$usage" ;; esac
missing='' && [ -n "$url" ] || missing=' MILEPOST_URL'
[ -n "$secret" ] || missing="$missing MILEPOST_SECRET"
[ -n "$number" ] || missing="$missing MILEPOST_BUILD_NUMBER"
[ -z "$missing" ] || quit "not reporting: set$missing"
case $url in http://?* | https://?*) ;; *) quit 'not reporting: MILEPOST_URL must begin with https:// or http://' ;; esac
case $secret in bearer:?* | whsec_?*) ;; *) quit 'not reporting: MILEPOST_SECRET must be whsec_ and base64, or bearer: and a token' ;; esac
id=msg_$(openssl rand -hex 16) && case $url in */webhooks/*) ;; *) url=${url%/}/webhooks/milepost ;; esac

images() { # what the build starts from, as hooks/sources.py reads MILEPOST_SOURCE
    listed='' rest=${MILEPOST_SOURCE:-}, && while [ -n "$rest" ]; do
        each=$(printf %s "${rest%%,*}" | sed 's/^[[:space:]]*//; s/[[:space:]]*$//; s|^\([A-Za-z0-9_]*://\)[^/@]*@|\1|; s|^\([A-Za-z0-9_]*://[^?]*\).*|\1|') rest=${rest#*,} where=''
        case ${each%%:*} in [a-z][a-z]*-*) case ${each#*:} in ami-* | snap-* | vol-* | img-* | m-*) where=${each%%:*} each=${each#*:} ;; esac ;; esac
        [ -z "$each" ] || listed="$listed,{\"artifact_id\":$(text "$each")$(field region "$where")}"
    done && [ -z "$listed" ] || printf ',"sources":[%s]' "${listed#,}"
}
envelope() { # $1: what an older receiver may not know
    names='' newer=''
    if [ -n "$1" ]; then names=$(field job "$job")$(field workflow "$workflow") && names=${names:+",\"names\":{${names#,}}"}; fi
    [ -z "$1" ] || newer=$(field pipeline "$(short "$pipeline")")$(field default_branch "$main")$(field pull_request "$change")
    printf '{"version":1,"build":{"number":%s,"project":%s,"platform":%s' "$(text "$number")" "$(text "${MILEPOST_PROJECT:-}")" "$(text "${MILEPOST_PLATFORM:-${PACKER_BUILDER_TYPE:-}}")"
    printf ',"os_version":%s,"image_type":%s%s%s}' "$(text "${MILEPOST_OS_VERSION:-}")" "$(text "${MILEPOST_IMAGE_TYPE:-}")" "$(field created_by "$author")" "$names"
    printf ',"run":{"key":%s,"attempt":%s%s%s%s%s}' "$(text "$(short "$run_key")")" "$attempt" "$(field url "$link")" "$(field commit "$commit")" "$(field branch "$branch")" "$newer"
    [ -z "$1" ] || images
    printf ',"events":[%s],"manifest":%s}' "${event:+{$event${1:+$word},\"at\":\"${at}Z\"\}}" "$manifest"
}
with_curl() {
    printf %s "$1" | { printf 'header = "%s"\n' "$header" | curl -A milepost-hook.sh -s -m 4 -w '\n%{http_code}' --retry 2 --retry-connrefused --retry-max-time 4 \
        -H 'content-type: application/json' -H "webhook-id: $id" -H "webhook-timestamp: $time" -K - --data-binary @/dev/fd/3 "$url"; } 3<&0
}
with_wget() { # GNU's and busybox's; a body is no secret, but an argument has a limit
    limit='' file='' && ! command -v timeout >/dev/null || limit='timeout 5'
    data=--post-data=$1
    if [ "${#1}" -gt 100000 ]; then file=$(mktemp) && printf %s "$1" >"$file" && data=--post-file=$file; fi
    # shellcheck disable=SC2086  # two words
    said=$($limit wget -nv -t 1 -O - --header 'content-type: application/json' --header "webhook-id: $id" --header "webhook-timestamp: $time" \
        --header "$header" "$data" "$url" 2>&1) && said=$said${newline}202
    printf '%s\n%s' "$said" "$(printf %s "$said" | sed -n 's/.*ERROR \([0-9]\{3\}\).*/\1/p; s/.*Authentication Failed.*/401/p; s/.*HTTP\/1\.[01] \([0-9]\{3\}\).*/\1/p; $s/^202$/202/p' | tail -n 1)"
    [ -z "$file" ] || rm -f "$file"
}
post() { # sets answer and status
    time=$(date +%s) && case $secret in bearer:*) header="authorization: Bearer ${secret#bearer:}" ;; *) header="webhook-signature: v1,$(printf %s "$id.$time.$1" | sign)" ;; esac
    case $header in authorization:*) command -v curl >/dev/null || quit 'not reporting: a bearer token needs curl: wget shows it to every process' ;; esac
    if command -v curl >/dev/null; then answer=$(with_curl "$1"); else answer=$(with_wget "$1"); fi
    status=${answer##*"$newline"} && case $status in [1-5][0-9][0-9]) ;; *) status=000 ;; esac
}
post "$(envelope newer)"
case $status:$answer in 422:*'Unknown field'*) post "$(envelope '')" ;; 422:*'"code"'*) ;; 422:*) post "$(envelope '')" ;; esac
case $status:$answer in
    2??:*'"id":'*'"outcome":'*) ;;
    2??:* | 3??:* | 404:*) case $answer in *'"code":'*) quit "not reported: status $status" ;; *) quit "not reported: status $status, but not from a receiver: check MILEPOST_URL and the proxies in between" ;; esac ;;
    000:*) quit "not reported: no answer from ${url%%/webhooks/*}: check that it resolves, that a receiver listens there, and https or http" ;;
    401:*) quit "not reported: status 401: check MILEPOST_SECRET, and this machine's clock: $(date -u +%Y-%m-%dT%H:%M:%SZ)" ;;
    *) quit "not reported: status $status" ;;
esac
summarise() { # as hooks/summary.py: the verdict and the link; more is known to the receiver alone
    page=$(printf %s "${url%%/webhooks/*}" | sed 's|://[^/]*@|://|')/builds/$number shown=$(printf %s "$number" | sed 's/[_.@+:-]/\\&/g')
    case $ended in completed) sign='✓' ;; failed) sign='✗' ;; *) sign='⊘' ;; esac
    [ -z "${GITHUB_STEP_SUMMARY:-}" ] || printf '### %s %s: %s\n\n[%s in Milepost](<%s>)\n' "$sign" "$shown" "$ended" "$shown" "$page" >>"$GITHUB_STEP_SUMMARY"
    [ -z "${MILEPOST_SUMMARY:-}" ] || printf '%s: %s, %s\n' "$number" "$ended" "$page" >>"$MILEPOST_SUMMARY"
    [ -z "${MILEPOST_ANNOTATIONS:-}" ] || { links=$(cat "$MILEPOST_ANNOTATIONS" 2>/dev/null); case $links in *"\"$page\""*) ;; *) case $links in '{"Milepost":'*\]\}) links=${links%\]\}}, ;; *) links='{"Milepost":[' ;; esac && printf '%s{"external_link":{"label":%s,"url":%s}}]}' "$links" "$(text "$number: $ended")" "$(text "$page")" >"$MILEPOST_ANNOTATIONS" ;; esac; }
}
case $1 in done) { summarise; } 2>/dev/null ;; esac # a file that cannot be written is left alone
case $1:${in_ci:+ci} in done:ci) is_shown=1 ;; beat:*) is_shown='' ;; *) is_shown='' && [ ! -t 1 ] || is_shown=1 ;; esac
case $is_shown:$url in 1:*@*) ;; 1:*) echo "milepost: ${url%%/webhooks/*}/builds/$number" ;; esac
exit 0
