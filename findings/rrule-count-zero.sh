#!/usr/bin/env bash
# Packages: github.com/teambition/rrule-go v1.8.2, npm rrule 2.8.1, npm rrule-temporal 2.2.8.
#
# Guess: COUNT=0 means no occurrence, or is an error (RFC 5545 wants a positive number); all libraries choose one of
# the two.
#
# So it is not: in rrule-go a zero is "not given", so COUNT=0 repeats WITHOUT END; both JavaScript libraries yield
# nothing. INTERVAL=0 differs in the other direction: rrule-go reads it as 1, rrule yields nothing, rrule-temporal
# raises an error. (Only the first three occurrences are asked for here.)
#
# Why it matters: a form that leaves the number at 0 shows "never" in the browser's preview and sends for ever from a
# Go server. Check COUNT and INTERVAL for at least 1 before the library sees them.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/teambition/rrule-go@v1.8.2 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/teambition/rrule-go"
)

func main() {
	for _, part := range os.Args[1:] {
		set, err := rrule.StrToRRuleSet("DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;" + part)
		n := 0
		for next := set.Iterator(); n < 3; n++ {
			if _, ok := next(); !ok {
				break
			}
		}
		fmt.Println("rrule-go      ", part, n, err)
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E rrule@2.8.1 rrule-temporal@2.2.8
cat >main.mjs <<'JS'
import rrule from "rrule";
import { RRuleTemporal } from "rrule-temporal";
for (const part of process.argv.slice(2)) {
  const text = "DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;" + part;
  console.log("rrule         ", part, rrule.rrulestr(text).all((_, i) => i < 3).length);
  try {
    console.log("rrule-temporal", part, new RRuleTemporal({ rruleString: text }).all((_, i) => i < 3).length);
  } catch (err) {
    console.log("rrule-temporal", part, err.message);
  }
}
JS
got=$(go run . COUNT=0 'INTERVAL=0;COUNT=2' && node main.mjs COUNT=0 'INTERVAL=0;COUNT=2')
want='rrule-go       COUNT=0 3 <nil>
rrule-go       INTERVAL=0;COUNT=2 2 <nil>
rrule          COUNT=0 0
rrule-temporal COUNT=0 0
rrule          INTERVAL=0;COUNT=2 0
rrule-temporal INTERVAL=0;COUNT=2 Cannot create RRule: interval must be greater than 0'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
