#!/usr/bin/env bash
# Runs a command beside a `sendoff dev` of its own, whose dev.json is named in
# DEV_JSON and whose log in DEV_LOG, and ends it afterwards: with-dev.sh COMMAND...
set -euo pipefail
sendoff=${SENDOFF:-$(cd "$(dirname "$0")/.." && pwd)/bin/sendoff}
[ -x "$sendoff" ] || { echo "$sendoff is missing: make build" >&2; exit 2; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/sendoff-with-dev.XXXXXX")
chmod 755 "$dir" # root's Postgres runs as another user; what it can't reach it puts elsewhere
pid=
# stop ends dev as Ctrl-C does; what hasn't ended after 15 s is killed.
stop() {
  trap - EXIT
  if [ -n "$pid" ] && kill -INT "$pid" 2>/dev/null; then
    for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  fi
  rm -rf "$(readlink "$dir/dev/data" || echo "$dir/dev/data")" "$dir"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

set -m # a background job of a script ignores SIGINT otherwise
"$sendoff" dev --dir "$dir/dev" --listen 127.0.0.1:0 >"$dir/log" 2>&1 &
pid=$!
set +m
for _ in $(seq 1200); do
  [ -s "$dir/dev/dev.json" ] && break
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
[ -s "$dir/dev/dev.json" ] || { echo "sendoff dev did not start:" >&2; cat "$dir/log" >&2; exit 1; }
DEV_JSON=$dir/dev/dev.json DEV_LOG=$dir/log "$@"
