#!/usr/bin/env bash
# Packages: github.com/teambition/rrule-go v1.8.2, npm rrule 2.8.1, npm rrule-temporal 2.2.8.
#
# Guess: RFC 5545 (3.3.5) says what a local time in the missing hour of spring means: read it with the offset before the
# change, so 02:30 in Berlin on 29 March 2026 is 03:30 summer time. Three libraries for its rules do that.
#
# So it is not: three libraries, three answers. rrule-go gives 03:30, as the RFC has it; rrule gives 00:30 UTC, which is
# 01:30, an hour BEFORE the time that was asked for; rrule-temporal leaves the day out and counts one more at the end.
#
# Why it matters: a daily message at 02:30 goes out early, late or not at all that day, and a preview made in the
# browser differs from what the server does. Expand rules in floating time and choose the instant in your own code.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

rule='DTSTART;TZID=Europe/Berlin:20260328T023000
RRULE:FREQ=DAILY;COUNT=3'
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
	set, _ := rrule.StrToRRuleSet(os.Args[1])
	fmt.Print("rrule-go      ")
	for _, t := range set.All() {
		fmt.Print(" ", t.UTC().Format("01-02T15:04Z"))
	}
	fmt.Println()
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E rrule@2.8.1 rrule-temporal@2.2.8
cat >main.mjs <<'JS'
import rrule from "rrule";
import { RRuleTemporal } from "rrule-temporal";
const show = (ms) => " " + new Date(ms).toISOString().slice(5, 16) + "Z";
console.log("rrule         " + rrule.rrulestr(process.argv[2]).all().map((d) => show(d.getTime())).join(""));
console.log("rrule-temporal" + new RRuleTemporal({ rruleString: process.argv[2] }).all().map((d) => show(d.epochMilliseconds)).join(""));
JS
got=$(go run . "$rule" && TZ=UTC node main.mjs "$rule")
want='rrule-go       03-28T01:30Z 03-29T01:30Z 03-30T00:30Z
rrule          03-28T01:30Z 03-29T00:30Z 03-30T00:30Z
rrule-temporal 03-28T01:30Z 03-30T00:30Z 03-31T00:30Z'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
