#!/usr/bin/env bash
# Packages: npm node-sms-pdu 0.3.0; npm split-sms 0.1.7 for comparison.
#
# Guess: a library that cuts a long text into parts keeps a character whole. 3GPP TS 23.038 writes the euro sign and
# nine other characters of the GSM alphabet as two septets (an escape and a letter), and TS 23.040 tells senders of
# concatenated messages not to divide such a pair; the library's README names both encodings and long messages.
#
# So it is not: when the euro sign is the 153rd character, part one ends with the escape alone and part two begins with
# "e": a phone shows "...a" and "e..." (as does the decoder of the same package). UCS-2 texts suffer the same: an emoji
# at the 67th place is cut into two halves of a surrogate pair. split-sms moves the whole character into the next part.
#
# Why it matters: a price of 5€ arrives as 5e, but only where it stands on a border, so no test with short texts ever
# sees it. Put a two-unit character at each border (152, 153 and 66, 67) into the tests of any splitter.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E node-sms-pdu@0.3.0 split-sms@0.1.7
cat >main.cjs <<'JS'
const pdu = require("node-sms-pdu");
const split = require("split-sms");
const edge = (parts) => parts.map((p) => JSON.stringify(p.slice(0, 2)) + ".." + JSON.stringify(p.slice(-2))).join(" ");
const texts = { euro: "a".repeat(152) + "€" + "b".repeat(152), emoji: "я".repeat(66) + "\u{1f600}" + "ю".repeat(66) };
for (const [name, text] of Object.entries(texts)) {
  const parts = pdu.generateSubmit("+12025550123", text).map((p) => pdu.parse(p.hex).text);
  console.log("node-sms-pdu", name, parts.length, "parts", edge(parts), "whole again:", parts.join("") === text);
  const other = split.split(text).parts.map((p) => p.content);
  console.log("split-sms   ", name, other.length, "parts", edge(other), "whole again:", other.join("") === text);
}
JS
got=$(node main.cjs)
want='node-sms-pdu euro 2 parts "aa".."aa" "eb".."bb" whole again: false
split-sms    euro 3 parts "aa".."aa" "€b".."bb" "b".."b" whole again: true
node-sms-pdu emoji 2 parts "яя".."я\ud83d" "\ude00ю".."юю" whole again: true
split-sms    emoji 3 parts "яя".."яя" "😀".."юю" "ю".."ю" whole again: true'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
