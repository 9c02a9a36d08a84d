#!/usr/bin/env bash
# Packages: npm rrule 2.8.1; github.com/teambition/rrule-go v1.8.2 and npm rrule-temporal 2.2.8 for comparison.
#
# Guess: DTSTART;VALUE=DATE:20260101 is what RFC 5545 and every calendar write for a whole day. A library that can't
# read it raises an error, since "DTSTART:20260101" (not in the RFC's form) is read well.
#
# So it is not: rrule drops the line without a word and starts the rule NOW, at the present second: the first
# occurrence is the moment of the call. rrule-temporal starts on 1 January; rrule-go refuses: "bad TZID parameter
# format".
#
# Why it matters: a rule exported from a calendar becomes a series of sends that begins at once, at a clock time that
# nobody chose, and begins elsewhere after each restart. Require a start with a time, and compare the first occurrence
# with it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

rule='DTSTART;VALUE=DATE:20260101
RRULE:FREQ=DAILY;COUNT=2'
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E rrule@2.8.1 rrule-temporal@2.2.8
cat >main.mjs <<'JS'
import rrule from "rrule";
import { RRuleTemporal } from "rrule-temporal";
const before = Date.now();
const first = rrule.rrulestr(process.argv[2]).all()[0];
console.log("rrule          starts within a minute of the call:", Math.abs(first.getTime() - before) < 60_000);
console.log("rrule-temporal", new RRuleTemporal({ rruleString: process.argv[2] }).all()[0].toString().slice(0, 16));
JS
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
	_, err := rrule.StrToRRuleSet(os.Args[1])
	fmt.Println("rrule-go      ", err)
}
GO
got=$(TZ=UTC node main.mjs "$rule" && go run . "$rule")
want='rrule          starts within a minute of the call: true
rrule-temporal 2026-01-01T00:00
rrule-go       StrToDtStart failed: bad TZID parameter format'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
