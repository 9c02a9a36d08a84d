#!/usr/bin/env bash
# The dashboard's tests in chromium, in front of a `sendoff dev` of its own.
#
#   scripts/browser.sh [folder for screenshots]
#
# PARTS=campaign,hostile runs some parts.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/web.sh install
export CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
exec scripts/with-dev.sh node web/tests/browser.mjs "$@"
