#!/usr/bin/env bash
# Checks the alert rules and the Grafana dashboard.
#
#   scripts/alerts.sh         syntax and tests of the rules, with promtool
#   scripts/alerts.sh live    besides, runs every query of dashboard and rules in a
#                             Prometheus that scrapes bin/sendoff dev
#
# promtool and prometheus are those in PATH, else those of Debian's package, which
# is unpacked into a cache folder and not installed.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sendoff/prometheus
say() { echo "alerts: $*" >&2; }

# tool prints the path of promtool or prometheus, or nothing where there is none.
tool() {
  command -v "$1" && return
  [ -x "$cache/usr/bin/$1" ] || fetch || return 0
  echo "$cache/usr/bin/$1"
}

fetch() {
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
  local tmp; tmp=$(mktemp -d)
  (cd "$tmp" && apt-get -qq download prometheus >/dev/null 2>&1) || { rm -rf "$tmp"; return 1; }
  mkdir -p "$cache" && dpkg -x "$tmp"/prometheus_*.deb "$cache"
  rm -rf "$tmp"
}

promtool=$(tool promtool)
if [ -z "$promtool" ]; then
  say "promtool is missing and can't be had from Debian: the rules are not tested"
  exit 0
fi
(cd deploy/alerts && "$promtool" check rules sendoff.yaml >/dev/null && "$promtool" test rules sendoff_test.yaml >/dev/null) ||
  (cd deploy/alerts && "$promtool" check rules sendoff.yaml; "$promtool" test rules sendoff_test.yaml; exit 1)
[ "${1:-}" = live ] || exit 0

tmp=$(mktemp -d)
pids=()
cleanup() {
  for p in "${pids[@]}"; do kill -INT "$p" 2>/dev/null || true; done
  for p in "${pids[@]}"; do wait "$p" 2>/dev/null || true; done
  rm -rf "$tmp"
}
trap cleanup EXIT
bin/sendoff dev --dir "$tmp/dev" --listen 127.0.0.1:0 >"$tmp/dev.log" 2>&1 &
pids+=($!)
until [ -s "$tmp/dev/dev.json" ]; do kill -0 "${pids[0]}" || { cat "$tmp/dev.log" >&2; exit 1; }; sleep 0.2; done
api=$(node -p "require('$tmp/dev/dev.json').base_url.replace('http://','')")
port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
cat >"$tmp/prometheus.yml" <<Y
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$PWD/deploy/alerts/sendoff.yaml]
scrape_configs:
  - {job_name: sendoff-serve, static_configs: [{targets: ["$api"]}]}
  - {job_name: sendoff-work, static_configs: [{targets: ["$api"]}]}
Y
"$(tool prometheus)" --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" --web.listen-address="127.0.0.1:$port" \
  >"$tmp/prometheus.log" 2>&1 &
pids+=($!)
node scripts/alerts.mjs "http://127.0.0.1:$port"
