#!/usr/bin/env bash
# Builds the dashboard and the TypeScript client.
#
#   scripts/web.sh build     the dashboard, into web/dist/app, which the binary embeds
#   scripts/web.sh dev       the dashboard with hot reload, in front of a running sendoff dev
#   scripts/web.sh client    the TypeScript client, of bin/openapi.json
#   scripts/web.sh check     format, lint and types
#   scripts/web.sh openapi   lints bin/openapi.json
#   scripts/web.sh install   the packages alone
#
# Packages are installed by npm from web/package-lock.json; none of their scripts
# run. Without npm the binary is built with a placeholder in the dashboard's
# place, unless CI is set.
set -euo pipefail
cd "$(dirname "$0")/../web"

say() { echo "web: $*" >&2; }

if ! command -v npm >/dev/null; then
  say "npm is missing: the dashboard is not built; install Node.js 20.19 or newer and run make build again"
  [ "${1:-}" = build ] && [ -z "${CI:-}" ] && exit 0
  exit 1
fi

# npm notes what it installed beside the packages.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  say "installing packages"
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2
fi

case "${1:-}" in
  install) ;;
  build)
    say "building the dashboard"
    npx --no-install tsc --noEmit
    npx --no-install vite build --logLevel warn
    node scripts/compress.mjs
    ;;
  dev)
    url=$(sed -n 's/.*"base_url": *"\([^"]*\)".*/\1/p' ../.sendoff/dev.json 2>/dev/null || true)
    SENDOFF_URL=${SENDOFF_URL:-${url:-http://127.0.0.1:8080}} exec npx --no-install vite "${@:2}"
    ;;
  client)
    npx --no-install openapi-ts --silent
    node scripts/client.mjs write
    ;;
  openapi)
    # Its findings go to stdout, its remarks on Node and itself to stderr.
    REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true npx --no-install redocly lint ../bin/openapi.json 2>/dev/null ||
      { say "the description of the API has faults: npx redocly lint ../bin/openapi.json"; exit 1; }
    ;;
  check)
    npx --no-install biome check --error-on-warnings src tests scripts ./*.ts
    npx --no-install tsc --noEmit
    ;;
  *)
    say "usage: scripts/web.sh build|dev|client|check|openapi|install"
    exit 2
    ;;
esac
