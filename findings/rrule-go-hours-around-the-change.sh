#!/usr/bin/env bash
# Packages: github.com/teambition/rrule-go v1.8.2; npm rrule-temporal 2.2.8 for comparison.
#
# Guess: FREQ=HOURLY;COUNT=4 is four instants, an hour apart, whatever the clocks do that night.
#
# So it is not: in the night of spring rrule-go yields THREE (the missing hour and the one after it are the same
# instant; it is yielded once and counted twice), and in the night of autumn the repeated hour is left out: two hours
# pass between 01:30 and 02:30. rrule-temporal yields four in spring, and leaves the hour out too in autumn.
#
# Why it matters: "COUNT" is what people rely on for "remind four times". A rule that runs over a clock change sends one
# fewer without an error; rules with hours or minutes are best refused, or expanded in UTC.
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
	_ "time/tzdata"

	"github.com/teambition/rrule-go"
)

func main() {
	for _, start := range os.Args[1:] {
		set, _ := rrule.StrToRRuleSet("DTSTART;TZID=Europe/Berlin:" + start + "\nRRULE:FREQ=HOURLY;COUNT=4")
		all := set.All()
		fmt.Print("rrule-go       ", len(all))
		for _, t := range all {
			fmt.Print(" ", t.UTC().Format("15:04Z"))
		}
		fmt.Println()
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E rrule-temporal@2.2.8
cat >main.mjs <<'JS'
import { RRuleTemporal } from "rrule-temporal";
for (const start of process.argv.slice(2)) {
  const all = new RRuleTemporal({ rruleString: `DTSTART;TZID=Europe/Berlin:${start}\nRRULE:FREQ=HOURLY;COUNT=4` }).all();
  console.log("rrule-temporal", all.length, all.map((d) => new Date(d.epochMilliseconds).toISOString().slice(11, 16) + "Z").join(" "));
}
JS
got=$(go run . 20260329T003000 20261025T003000 && node main.mjs 20260329T003000 20261025T003000)
want='rrule-go       3 23:30Z 00:30Z 01:30Z
rrule-go       4 22:30Z 23:30Z 01:30Z 02:30Z
rrule-temporal 4 23:30Z 00:30Z 01:30Z 02:30Z
rrule-temporal 4 22:30Z 23:30Z 00:30Z 02:30Z'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
