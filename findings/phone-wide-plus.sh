#!/usr/bin/env bash
# Packages: npm libphonenumber-js 1.13.16, google-libphonenumber 3.2.47; github.com/nyaruka/phonenumbers v1.8.1.
#
# Guess: a full-width plus, which keyboards and forms of East Asia write with full-width digits, is a plus: libphonenumber
# lists it as one, and so does the source of each port, next to the digits of all scripts.
#
# So it is not: libphonenumber-js reads the full-width DIGITS and lets the plus get lost. Without a default country there
# is no number; with one, a number of another country becomes one of that country: a Japanese mobile read in Germany
# is +49 819012345678, which it calls valid, and a number of the USA read in Austria is an Austrian one. Where the default
# country is the number's own, it is mostly right by accident (not in Germany), so tests at home are green. Google's
# JavaScript and the Go port keep the plus.
#
# Why it matters: a stranger in another country gets the message, and the check for valid numbers says yes. In front of the
# parser, turn U+FF0B into "+" (String.normalize("NFKC") does it).
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E google-libphonenumber@3.2.47 libphonenumber-js@1.13.16
cat >main.mjs <<'JS'
import lib from "google-libphonenumber";
import { parsePhoneNumberFromString } from "libphonenumber-js/max";

const util = lib.PhoneNumberUtil.getInstance();
for (const arg of process.argv.slice(2)) {
  const [text, region] = arg.split("/");
  const n = util.parse(text, region);
  console.log("google", arg, util.format(n, lib.PhoneNumberFormat.E164), "valid", util.isValidNumber(n));
  const m = parsePhoneNumberFromString(text, region || undefined);
  console.log("js    ", arg, m ? `${m.number} valid ${m.isValid()}` : "no number");
}
JS
go mod init finding >/dev/null 2>&1
go get github.com/nyaruka/phonenumbers@v1.8.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"strings"

	lib "github.com/nyaruka/phonenumbers"
)

func main() {
	for _, arg := range os.Args[1:] {
		text, region, _ := strings.Cut(arg, "/")
		n, err := lib.Parse(text, region)
		if err != nil {
			fmt.Println("go    ", arg, err)
			continue
		}
		fmt.Println("go    ", arg, lib.Format(n, lib.E164), "valid", lib.IsValidNumber(n))
	}
}
GO
numbers=(＋８１９０１２３４５６７８/ ＋819012345678/JP ＋819012345678/DE ＋12025550123/AT ＋4915112345678/DE ＋6421123456/DE)
got=$(node main.mjs "${numbers[@]}" && go run . "${numbers[@]}")
want='google ＋８１９０１２３４５６７８/ +819012345678 valid true
js     ＋８１９０１２３４５６７８/ no number
google ＋819012345678/JP +819012345678 valid true
js     ＋819012345678/JP +819012345678 valid true
google ＋819012345678/DE +819012345678 valid true
js     ＋819012345678/DE +49819012345678 valid true
google ＋12025550123/AT +12025550123 valid true
js     ＋12025550123/AT +4312025550123 valid true
google ＋4915112345678/DE +4915112345678 valid true
js     ＋4915112345678/DE +494915112345678 valid true
google ＋6421123456/DE +6421123456 valid true
js     ＋6421123456/DE +496421123456 valid true
go     ＋８１９０１２３４５６７８/ +819012345678 valid true
go     ＋819012345678/JP +819012345678 valid true
go     ＋819012345678/DE +819012345678 valid true
go     ＋12025550123/AT +12025550123 valid true
go     ＋4915112345678/DE +4915112345678 valid true
go     ＋6421123456/DE +6421123456 valid true'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
