#!/usr/bin/env bash
# Packages: github.com/nyaruka/phonenumbers v1.8.1 against npm google-libphonenumber 3.2.47, libphonenumber-js 1.13.16.
#
# Guess: a number copied from a contact page carries invisible marks (U+202A before and U+202C behind it, as some
# address books copy it; U+200F in right-to-left text). All ports skip what stands before the first digit and behind
# the last one, so all read it.
#
# So it is not: both JavaScript ports read it, the Go port answers "the phone number supplied is not a number" for any
# of the three marks. Spaces, non-breaking ones included, and all kinds of dashes are fine in all three.
#
# Why it matters: the form in the browser calls the number good and the Go server calls it nonsense; the person sees
# nothing odd, because the marks can't be seen. Remove Unicode's format characters (category Cf) before parsing.
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

	lib "github.com/nyaruka/phonenumbers"
)

func main() {
	for _, s := range []string{"\u202a+1 202 555 0123\u202c", "+1 202 555 0123\u200f", "+1\u00a0202\u2011555\u20140123"} {
		n, err := lib.Parse(s, "US")
		if err != nil {
			fmt.Println("go    ", err)
			continue
		}
		fmt.Println("go    ", lib.Format(n, lib.E164))
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E google-libphonenumber@3.2.47 libphonenumber-js@1.13.16
cat >main.mjs <<'JS'
import lib from "google-libphonenumber";
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
const util = lib.PhoneNumberUtil.getInstance();
for (const s of ["\u202a+1 202 555 0123\u202c", "+1 202 555 0123\u200f", "+1\u00a0202\u2011555\u20140123"]) {
  console.log("google", util.format(util.parse(s, "US"), lib.PhoneNumberFormat.E164));
  console.log("js    ", parsePhoneNumberFromString(s, "US").number);
}
JS
got=$(go run . && node main.mjs)
want='go     the phone number supplied is not a number
go     the phone number supplied is not a number
go     +12025550123
google +12025550123
js     +12025550123
google +12025550123
js     +12025550123
google +12025550123
js     +12025550123'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
