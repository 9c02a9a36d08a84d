#!/usr/bin/env bash
# Checks the alert rules and the Grafana dashboard.
#
#   scripts/alerts.sh         syntax and tests of the rules, with promtool
#   scripts/alerts.sh live    besides, runs every query of dashboard and rules in a
#                             Prometheus that scrapes bin/sendoff dev
#   scripts/alerts.sh prometheus   prints the path of prometheus, or nothing
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

[ "${1:-}" != prometheus ] || { tool prometheus; exit; }

promtool=$(tool promtool)
if [ -z "$promtool" ]; then
  say "promtool is missing and can't be had from Debian: the rules are not tested"
  [ -z "${CI:-}" ]
  exit
fi
"$promtool" check config --syntax-only deploy/compose/prometheus.yaml >/dev/null
# Each configuration of the documentation, as it is printed; Debian's promtool has no Kubernetes.
printed=$(mktemp -d)
awk -v dir="$printed" '/^```yaml/ {n++; out = dir "/" n ".yaml"; next} /^```/ {out = ""} out {print >out}' docs/alerts.md docs/operations.md
configs=$(grep -l scrape_configs "$printed"/*.yaml | xargs grep -L kubernetes_sd_configs)
for config in $configs; do "$promtool" check config --syntax-only "$config" >/dev/null; done
rm -rf "$printed"
[ "$(wc -w <<<"$configs")" = 2 ] || { say "not two configurations in the documentation: $configs"; exit 1; }
(cd deploy/alerts && "$promtool" check rules sendoff.yaml >/dev/null && "$promtool" test rules sendoff_test.yaml >/dev/null) ||
  (cd deploy/alerts && "$promtool" check rules sendoff.yaml; "$promtool" test rules sendoff_test.yaml; exit 1)
[ "${1:-}" = live ] || exit 0

exec scripts/with-dev.sh node scripts/alerts.mjs "$(tool prometheus)"
