#!/usr/bin/env bash
# Points public clients at a `sendoff dev` of its own: the vendors' example
# requests as printed on their pages, their samples, the official Twilio SDK, a
# WhatsApp Cloud API clients, Go SDKs, the verifiers of webhooks. One line per check; the exit code
# is 0 when all passed. `make clients` builds first.
#
# The packages are installed by npm from package-lock.json. The Python sample is
# skipped where requests is missing, unless CLIENTS_REQUIRED=1.
set -euo pipefail
cd "$(dirname "$0")"
sendoff=${SENDOFF:-$PWD/../../bin/sendoff}
[ -x "$sendoff" ] || { echo "clients: $sendoff is missing: make build" >&2; exit 2; }

# npm notes what it installed beside the packages.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/sendoff-clients.XXXXXX")
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
[ -s "$dir/dev/dev.json" ] || { echo "clients: sendoff dev did not start:" >&2; cat "$dir/log" >&2; exit 1; }

if DEV_JSON=$dir/dev/dev.json node check.mjs; then exit 0; fi
echo "clients: the end of what sendoff dev said:" >&2
grep level= "$dir/log" | tail -n 20 >&2 || true
exit 1
