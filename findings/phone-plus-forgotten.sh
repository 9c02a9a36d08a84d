#!/usr/bin/env bash
# Packages: github.com/nyaruka/phonenumbers v1.6.5, npm google-libphonenumber 3.2.43, libphonenumber-js 1.12.27.
#
# Guess: a number that is written with its country code but without "+", read with that country as the default, is
# recognised: 919876543210 in India, 447400123456 in Britain, 4366412345678 in Austria all are.
#
# So it is not in Germany: 4917612345678 becomes +49 4917612345678. National numbers have no fixed length
# there, so nothing looks wrong: all three ports call the result VALID. A landline of the same form is read the same way.
#
# Why it matters: lists exported by WhatsApp tools hold digits only. With a default country every German row is "read",
# counted as good, and nobody ever gets the message. Put "+" before digits that begin with the country's code and are
# valid so, or refuse them and ask.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off
go mod init finding >/dev/null 2>&1
go get github.com/nyaruka/phonenumbers@v1.6.5 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/nyaruka/phonenumbers"
)

func main() {
	for i := 1; i < len(os.Args); i += 2 {
		n, err := phonenumbers.Parse(os.Args[i], os.Args[i+1])
		if err != nil {
			panic(err)
		}
		fmt.Println("go", os.Args[i+1], phonenumbers.Format(n, phonenumbers.E164), phonenumbers.IsValidNumber(n))
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund google-libphonenumber@3.2.43 libphonenumber-js@1.12.27 >/dev/null 2>&1
cat >main.mjs <<'JS'
import google from "google-libphonenumber";
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
const util = google.PhoneNumberUtil.getInstance();
for (let i = 2; i < process.argv.length; i += 2) {
  const [text, country] = process.argv.slice(i, i + 2);
  const g = util.parse(text, country), l = parsePhoneNumberFromString(text, country);
  console.log("google", country, util.format(g, google.PhoneNumberFormat.E164), util.isValidNumber(g));
  console.log("js", country, l.number, l.isValid());
}
JS
numbers="919876543210 IN 447400123456 GB 4917612345678 DE 4366412345678 AT"
# shellcheck disable=SC2086
got=$(go run . $numbers; node main.mjs $numbers)
echo "$got"
want='go IN +919876543210 true
go GB +447400123456 true
go DE +494917612345678 true
go AT +4366412345678 true
google IN +919876543210 true
js IN +919876543210 true
google GB +447400123456 true
js GB +447400123456 true
google DE +494917612345678 true
js DE +494917612345678 true
google AT +4366412345678 true
js AT +4366412345678 true'
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
