#!/usr/bin/env bash
# Takes the README's pictures of the dashboard, of a `sendoff dev` of its own, into docs/;
# pngquant makes them small.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/web.sh install
export CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
command -v pngquant >/dev/null || { echo "pngquant is missing" >&2; exit 1; }
scripts/with-dev.sh node web/tests/pictures.mjs docs
pngquant --force --skip-if-larger --ext .png 64 docs/dashboard-*.png
