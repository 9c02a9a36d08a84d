#!/usr/bin/env bash
# Packages: github.com/nyaruka/phonenumbers v1.8.1, npm google-libphonenumber 3.2.47, npm libphonenumber-js 1.13.16.
#
# Guess: a note behind a number ("office", "(work)") is either skipped or refused, and all ports do the same: each says
# of itself that it follows Google's libphonenumber.
#
# So it is not. Three letters make the text a "vanity" number (1-800-JKL-0123 is 1-800-555-0123) for Google's code and
# the Go port: the whole note becomes digits of the keypad and is glued to the number, without an error: "office" adds
# 633423. Two letters ("ok") are skipped. libphonenumber-js has no vanity numbers: it drops the note, and finds no
# number at all in 1-800-JKL-0123.
#
# Why it matters: contact lists hold such notes. In one port the number gets up to six digits longer and fails later
# as "too long", in another it is right; a list checked in the browser is refused by the server. Refuse letters first.
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
		fmt.Println("go    ", s, "->", lib.Format(n, lib.E164), err)
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
  console.log("google", s, "->", util.format(util.parse(s, "US"), lib.PhoneNumberFormat.E164));
  console.log("js    ", s, "->", parsePhoneNumberFromString(s, "US")?.number);
}
JS

numbers=('202 555 0123 office' '(202) 555-0123 (work)' '202 555 0123 ok' '1-800-JKL-0123')
got=$(go run . "${numbers[@]}" && node main.mjs "${numbers[@]}")
want='go     202 555 0123 office -> +12025550123633423 <nil>
go     (202) 555-0123 (work) -> +120255501239675 <nil>
go     202 555 0123 ok -> +12025550123 <nil>
go     1-800-JKL-0123 -> +18005550123 <nil>
google 202 555 0123 office -> +12025550123633423
js     202 555 0123 office -> +12025550123
google (202) 555-0123 (work) -> +120255501239675
js     (202) 555-0123 (work) -> +12025550123
google 202 555 0123 ok -> +12025550123
js     202 555 0123 ok -> +12025550123
google 1-800-JKL-0123 -> +18005550123
js     1-800-JKL-0123 -> undefined'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
