# shellcheck shell=sh disable=SC2016  # the stand-in's own $
# Put milepost-hook into the folder $MILEPOST_BIN: the receiver's one file, or where there is no
# Python its sh one, or else a stand-in that does nothing. Whatever happens, it breaks no build.
# Run it again at the end of a job: it fetches what could not be fetched before.
if ! command -v milepost-hook >/dev/null 2>&1 || [ -f "$MILEPOST_BIN/stand-in" ]; then
  mkdir -p "$MILEPOST_BIN"
  milepost_new=$MILEPOST_BIN/new.$$ milepost_from=${MILEPOST_URL:-}
  milepost_from=${milepost_from%%/webhooks/*}
  milepost_from=${milepost_from%/}/hook
  milepost_python='' && for milepost_each in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    "$milepost_each" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && milepost_python=$milepost_each && break
  done
  [ -n "$milepost_python" ] || milepost_from=$milepost_from.sh
  milepost_wget() { # GNU's; busybox's checks no certificate, so it may use http alone
    case $(wget --version 2>/dev/null):$milepost_from in
      GNU*) wget -q -t 1 -T 5 ${REQUESTS_CA_BUNDLE:+--ca-certificate="$REQUESTS_CA_BUNDLE"} -O "$milepost_new" "$milepost_from" ;;
      *:http:*) wget -q -O "$milepost_new" "$milepost_from" ;;
      *) false ;;
    esac
  }
  curl -fsS -m 5 ${REQUESTS_CA_BUNDLE:+--cacert "$REQUESTS_CA_BUNDLE"} -o "$milepost_new" "$milepost_from" 2>/dev/null ||
    milepost_wget 2>/dev/null ||
    python3 -c 'import sys, urllib.request as web; open(sys.argv[2], "wb").write(web.urlopen(sys.argv[1], timeout=4).read())' \
      "$milepost_from" "$milepost_new" 2>/dev/null || rm -f "$milepost_new"
  if [ -n "${MILEPOST_HOOK_SHA256:-}" ] && [ -f "$milepost_new" ]; then
    milepost_sum="$MILEPOST_HOOK_SHA256  $milepost_new"
    echo "$milepost_sum" | sha256sum -c >/dev/null 2>&1 ||
      echo "$milepost_sum" | shasum -a 256 -c >/dev/null 2>&1 || rm -f "$milepost_new"
  fi
  if [ -f "$milepost_new" ]; then
    rm -f "$MILEPOST_BIN/stand-in"
    [ -z "$milepost_python" ] || "$milepost_python" "$milepost_new" compile >/dev/null 2>&1 || :
  else
    [ -f "$MILEPOST_BIN/stand-in" ] ||
      echo 'milepost: not reporting: the hook could not be fetched, or is not the one of MILEPOST_HOOK_SHA256' >&2
    printf '#!/bin/sh\ncase ${1:-} in packer) shift; exec packer "$@" ;; esac\n[ "${MILEPOST_STRICT:-0}" = 0 ]\n' >"$milepost_new"
    : >"$MILEPOST_BIN/stand-in"
  fi
  case $milepost_python in
    *.*) # the system's python3 is an older one
      if [ ! -f "$MILEPOST_BIN/stand-in" ]; then
        mv -f "$milepost_new" "$MILEPOST_BIN/milepost-hook.pyz"
        printf '#!/bin/sh\nexec %s "${0%%/*}/milepost-hook.pyz" "$@"\n' "$milepost_python" >"$milepost_new"
      fi ;;
  esac
  chmod 700 "$milepost_new"
  mv -f "$milepost_new" "$MILEPOST_BIN/milepost-hook" # at once: another job may run it from here
fi
