#!/usr/bin/env bash
# Package: npm papaparse 5.7.1.
#
# Guess: Papa Parse finds the delimiter by itself; "to;name" over rows of the same shape is as plain as a semicolon file
# can be (it is what spreadsheets write in half of Europe), so a short list is recognised as well as a long one.
#
# So it is not: with two columns and a line end behind the last row, as every spreadsheet writes it, lists of up to nine
# lines are read as ONE column ("+12025550123;Ann"). From ten lines on, or without the last line end, or with
# skipEmptyLines, they are read as two. The empty line at the end counts as a row of one field and pulls the average
# below the bar of two, as long as it is among the first ten lines that are looked at.
#
# Why it matters: the short list is the one that people try first, and the one in each test. Pass skipEmptyLines: true,
# or better the delimiter.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E papaparse@5.7.1
cat >main.cjs <<'JS'
const Papa = require("papaparse");
for (const n of [1, 8, 9, 50]) {
  const text = "to;name\n" + Array.from({ length: n }, (_, i) => `+1202555${String(100 + i).padStart(4, "0")};N${i}\n`).join("");
  const columns = (t, options) => Papa.parse(t, options).data[0].length;
  console.log(n + 1, "lines:", columns(text), "without the last line end:", columns(text.trimEnd()),
    "skipEmptyLines:", columns(text, { skipEmptyLines: true }));
}
JS
got=$(node main.cjs)
want='2 lines: 1 without the last line end: 2 skipEmptyLines: 2
9 lines: 1 without the last line end: 2 skipEmptyLines: 2
10 lines: 2 without the last line end: 2 skipEmptyLines: 2
51 lines: 2 without the last line end: 2 skipEmptyLines: 2'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
