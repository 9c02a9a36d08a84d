#!/usr/bin/env bash
# Packages: github.com/nyaruka/phonenumbers v1.8.1, npm google-libphonenumber 3.2.47, npm libphonenumber-js 1.13.16.
#
# Guess: WhatsApp identifies people by a wa_id, which is their number without the plus sign, so "+" and wa_id pass any
# port of libphonenumber. Mexico's ids still begin with 521 and many Brazilian ones have eight digits after the area
# code; libphonenumber strips outdated prefixes of other countries (it turns +54 11 15 ... into +54 9 11 ...), so it
# would turn +52 1 55 ... into +52 55 ...
#
# So it is not: Mexico's "1" is out of the metadata. +521 and ten digits is kept as it is, called NOT EVEN POSSIBLE
# (too long), in all three ports; a Brazilian mobile with eight digits is possible but not valid. Only Argentina's old
# form is still mended.
#
# Why it matters: a check of "valid" or "possible" on the sender of a WhatsApp message refuses real people of two of
# WhatsApp's largest countries, and +521... and +52... of one person stay two contacts. Ids need a rule of their own.
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

	lib "github.com/nyaruka/phonenumbers"
)

func main() {
	for _, s := range os.Args[1:] {
		n, err := lib.Parse(s, "")
		fmt.Println("go    ", s, "->", lib.Format(n, lib.E164), "possible", lib.IsPossibleNumber(n), "valid", lib.IsValidNumber(n), err)
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E google-libphonenumber@3.2.47 libphonenumber-js@1.13.16
cat >main.mjs <<'JS'
import lib from "google-libphonenumber";
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
const util = lib.PhoneNumberUtil.getInstance();
for (const s of process.argv.slice(2)) {
  const n = util.parse(s, "");
  const e164 = util.format(n, lib.PhoneNumberFormat.E164);
  console.log("google", s, "->", e164, "possible", util.isPossibleNumber(n), "valid", util.isValidNumber(n));
  const m = parsePhoneNumberFromString(s);
  console.log("js    ", s, "->", m.number, "possible", m.isPossible(), "valid", m.isValid());
}
JS

numbers=(+5215555550123 +525555550123 +551185550123 +54111555550123)
got=$(go run . "${numbers[@]}" && node main.mjs "${numbers[@]}")
want='go     +5215555550123 -> +5215555550123 possible false valid false <nil>
go     +525555550123 -> +525555550123 possible true valid true <nil>
go     +551185550123 -> +551185550123 possible true valid false <nil>
go     +54111555550123 -> +5491155550123 possible true valid true <nil>
google +5215555550123 -> +5215555550123 possible false valid false
js     +5215555550123 -> +5215555550123 possible false valid false
google +525555550123 -> +525555550123 possible true valid true
js     +525555550123 -> +525555550123 possible true valid true
google +551185550123 -> +551185550123 possible true valid false
js     +551185550123 -> +551185550123 possible true valid false
google +54111555550123 -> +5491155550123 possible true valid true
js     +54111555550123 -> +5491155550123 possible true valid true'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
