#!/usr/bin/env bash
# Packages: npm luxon 3.7.2, @js-temporal/polyfill 0.5.1.
#
# Guess: a clock time that occurs twice in autumn (02:30 in Berlin on 25 October 2026) always becomes the same one of its
# two instants; which one may differ between libraries.
#
# So it is not: luxon takes the offset that the zone has NOW as its first try, so DateTime.fromISO(time, {zone}) answers
# with the second instant when the program runs in winter and with the first when it runs in summer (in Lord Howe, south
# of the equator, the other way round). Temporal always takes the first.
#
# Why it matters: a campaign saved in January for such an hour and shown again in July moves by an hour without anybody
# changing it, and a test passes for half of the year. Choose the instant yourself (getPossibleOffsets, or Temporal).
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund luxon@3.7.2 @js-temporal/polyfill@0.5.1 >/dev/null 2>&1
cat >fold.mjs <<'JS'
import { DateTime, Settings } from "luxon";
import { Temporal } from "@js-temporal/polyfill";

for (const today of ["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z"]) {
  Settings.now = () => Date.parse(today);
  for (const [zone, time] of [["Europe/Berlin", "2026-10-25T02:30:00"], ["Australia/Lord_Howe", "2026-04-05T01:45:00"]]) {
    const temporal = Temporal.PlainDateTime.from(time).toZonedDateTime(zone).toInstant().toString();
    console.log(today.slice(0, 7), zone, "luxon", DateTime.fromISO(time, { zone }).toUTC().toFormat("HH:mm"), "temporal", temporal.slice(11, 16));
  }
}
JS
got=$(node fold.mjs)
want='2026-01 Europe/Berlin luxon 01:30 temporal 00:30
2026-01 Australia/Lord_Howe luxon 14:45 temporal 14:45
2026-07 Europe/Berlin luxon 00:30 temporal 00:30
2026-07 Australia/Lord_Howe luxon 15:15 temporal 14:45'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
