#!/usr/bin/env bash
# Packages: npm sms-segments-calculator 1.3.0, @formatjs/intl-datetimeformat 7.8.1; Node 20's own Intl.
#
# Guess: times and numbers of English and Swedish are written with characters of the GSM alphabet, so a text with one of
# them is as many SMS as one with a time typed by hand.
#
# So it is not: newer CLDR data writes 3:05, a NARROW NO-BREAK SPACE, PM, and a range with thin spaces and an en dash;
# Swedish has a real minus sign and no-break spaces. None is in the alphabet: the whole text is sent as UCS-2, 70
# characters in an SMS instead of 160. Node's format() puts a plain space back, its formatToParts() and formatRange()
# don't, and format() of the polyfill doesn't either.
#
# Why it matters: a reminder with the slot "3:05 - 4:05 PM" costs double, looks the same in every log, and a test with
# format() doesn't find it. Replace these characters in texts for SMS, or look at the count of parts after formatting.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E sms-segments-calculator@1.3.0 @formatjs/intl-datetimeformat@7.8.1
cat >main.mjs <<'JS'
import { SegmentedMessage } from "sms-segments-calculator";

const from = new Date(Date.UTC(2026, 2, 1, 15, 5));
const to = new Date(from.getTime() + 3600_000);
const clock = () => new Intl.DateTimeFormat("en", { hour: "numeric", minute: "numeric", timeZone: "UTC" });
const joined = (parts) => parts.map((p) => p.value).join("");

function show(name, value) {
  const sms = new SegmentedMessage(`Your visit at Club 54 is ${value}. `.padEnd(120, "."), "auto");
  const odd = [...value].filter((c) => c > "\x7f" && c !== "€").map((c) => c.codePointAt(0).toString(16));
  console.log(`${name}: ${[sms.encodingName, sms.segmentsCount, ...new Set(odd)].join(" ")}`);
}

show("typed by hand", "3:05 PM");
show("Node format", clock().format(from));
show("Node formatToParts", joined(clock().formatToParts(from)));
show("Node formatRange", clock().formatRange(from, to));
show("Node -1234.5 EUR, sv", new Intl.NumberFormat("sv", { style: "currency", currency: "EUR" }).format(-1234.5));
await import("@formatjs/intl-datetimeformat/polyfill-force.js");
await import("@formatjs/intl-datetimeformat/locale-data/en.js");
await import("@formatjs/intl-datetimeformat/add-all-tz.js");
show("polyfill format", clock().format(from));
show("polyfill formatRange", clock().formatRange(from, to));
JS
got=$(node main.mjs)
want='typed by hand: GSM-7 1
Node format: GSM-7 1
Node formatToParts: UCS-2 2 202f
Node formatRange: UCS-2 2 2009 2013 202f
Node -1234.5 EUR, sv: UCS-2 2 2212 a0
polyfill format: UCS-2 2 202f
polyfill formatRange: UCS-2 2 2009 2013 202f'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
