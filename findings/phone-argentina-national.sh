#!/usr/bin/env bash
# Package: github.com/nyaruka/phonenumbers v1.8.1 against npm google-libphonenumber 3.2.47.
#
# Guess: the Go package is a port that reads the same metadata, so the national form of a number is the same
# string in both; over the example numbers of every region it is, save for the Faroe Islands' spaces and Argentina.
#
# So it is not: the Go port writes EVERY Argentine mobile number without its area code. +54 9 11 5555 0123 (Buenos
# Aires) and +54 9 341 555 0123 (Rosario) both begin with "09 15-": nobody can dial or tell apart what is shown.
# The JavaScript port writes "011 15-5555-0123". E.164 and the international form are right in both, and so are
# Argentine landlines.
#
# Why it matters: Argentina's mobiles are the ones whose national form (0 area 15 number) differs most from E.164, so
# an interface that shows the national form to help a reader shows a number that does not exist.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/nyaruka/phonenumbers@v1.8.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/nyaruka/phonenumbers"
)

func main() {
	for _, s := range os.Args[1:] {
		n, err := phonenumbers.Parse(s, "AR")
		fmt.Println("go", phonenumbers.Format(n, phonenumbers.E164), "|", phonenumbers.Format(n, phonenumbers.NATIONAL), "|", err)
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E google-libphonenumber@3.2.47
cat >main.mjs <<'JS'
import lib from "google-libphonenumber";
const util = lib.PhoneNumberUtil.getInstance();
for (const s of process.argv.slice(2)) {
  const n = util.parse(s, "AR");
  console.log("js", util.format(n, lib.PhoneNumberFormat.E164), "|", util.format(n, lib.PhoneNumberFormat.NATIONAL));
}
JS

numbers=('+54 9 11 5555 0123' '+54 9 341 555 0123' '+54 11 5555 0123')
got=$(go run . "${numbers[@]}" && node main.mjs "${numbers[@]}")
want='go +5491155550123 | 09 15-5555-0123 | <nil>
go +5493415550123 | 09 15-555-0123 | <nil>
go +541155550123 | 011 5555-0123 | <nil>
js +5491155550123 | 011 15-5555-0123
js +5493415550123 | 0341 15-555-0123
js +541155550123 | 011 5555-0123'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
