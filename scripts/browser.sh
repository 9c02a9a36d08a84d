#!/usr/bin/env bash
# The dashboard's tests in chromium, in front of a `sendoff dev` of its own.
#
#   scripts/browser.sh [folder for screenshots]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/web.sh install

dir=$(mktemp -d "${TMPDIR:-/tmp}/sendoff-browser.XXXXXX")
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
bin/sendoff dev --dir "$dir/dev" --listen 127.0.0.1:0 >"$dir/log" 2>&1 &
pid=$!
set +m
for _ in $(seq 1200); do
  [ -s "$dir/dev/dev.json" ] && break
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
[ -s "$dir/dev/dev.json" ] || { echo "browser: sendoff dev did not start:" >&2; cat "$dir/log" >&2; exit 1; }
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)} \
  node web/tests/browser.mjs "$dir/dev/dev.json" "$@"
