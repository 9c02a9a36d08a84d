#!/usr/bin/env bash
# Points public clients at a `sendoff dev` of its own: the vendors' example
# requests as printed on their pages, their samples, Twilio's SDKs, clients of the
# WhatsApp Cloud API, the verifiers of webhooks. One line per check; the exit code
# is 0 when all passed. `make clients` builds first.
#
# The packages are installed by npm from package-lock.json. The Python sample is
# skipped where requests is missing, unless CLIENTS_REQUIRED=1.
set -euo pipefail
cd "$(dirname "$0")"
# npm notes what it installed beside the packages.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi

exec ../with-dev.sh node check.mjs
