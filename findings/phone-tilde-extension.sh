#!/usr/bin/env bash
# Packages: github.com/nyaruka/phonenumbers v1.8.1, npm google-libphonenumber 3.2.47, npm libphonenumber-js 1.13.16.
#
# Guess: punctuation between the groups of a number is skipped, whatever it is: "+1 202.555.0123", "+1 202-555-0123",
# "+1 202/555/0123". A tilde, which people type when they copy a list or misread a dash, would be skipped too.
#
# So it is not: a tilde begins an EXTENSION (so do "x" and "#"). "+1 202~555~0123" parses without an error as
# +1 202555 with extension 0123, in all three ports, and E.164 leaves the extension out: "+1202555". One port calls
# that not possible, but a number in a country whose short numbers are possible passes: "+44 7700 900~123" becomes
# +447700900, extension 123, and all three call it possible.
#
# Why it matters: a message goes to a shorter number than the one that was written. Look at the extension after every
# Parse and refuse the number when there is one; checking only "is it possible" is not enough.
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
		n, err := lib.Parse(s, "US")
		fmt.Println("go     ", s, "->", lib.Format(n, lib.E164), "ext", n.GetExtension(), "possible", lib.IsPossibleNumber(n), err)
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
  const n = util.parse(s, "US");
  const e164 = util.format(n, lib.PhoneNumberFormat.E164);
  console.log("google ", s, "->", e164, "ext", n.getExtension(), "possible", util.isPossibleNumber(n));
  const m = parsePhoneNumberFromString(s, "US");
  console.log("js     ", s, "->", m.number, "ext", m.ext, "possible", m.isPossible());
}
JS

numbers=('+1 202~555~0123' '+44 7700 900~123')
got=$(go run . "${numbers[@]}" && node main.mjs "${numbers[@]}")
want='go      +1 202~555~0123 -> +1202555 ext 0123 possible false <nil>
go      +44 7700 900~123 -> +447700900 ext 123 possible true <nil>
google  +1 202~555~0123 -> +1202555 ext 0123 possible false
js      +1 202~555~0123 -> +1202555 ext 0123 possible false
google  +44 7700 900~123 -> +447700900 ext 123 possible true
js      +44 7700 900~123 -> +447700900 ext 123 possible true'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
