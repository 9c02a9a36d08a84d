#!/usr/bin/env bash
# Package: github.com/nyaruka/phonenumbers v1.8.1 (and the carrier and place data it carries).
#
# Guess: numbers that a country sets aside for films and documentation are all treated alike: they look like others, so
# they are valid; or nobody has them, so they are not, and no operator is named for them.
#
# So it is not: it depends on the country. North America's 555-01xx, Ofcom's Leeds range (0113 496 0xxx) and
# Australia's 0491 570 156 are VALID; Ofcom's mobile range (07700 900xxx) and France's (06 39 98 xx xx) are possible
# but NOT valid. All of the mobile ones still get an operator of flesh and blood: O2, Orange, Telstra.
#
# Why it matters: tests with fictional numbers pass or fail by country. A test that proves "an invalid number is
# refused" with 07700 900123 breaks on the day the check is relaxed to "possible", and a demo for British users that
# asks for validity refuses the only numbers that one may show.
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
	for _, s := range []string{"+12025550123", "+441134960123", "+447700900123", "+33639980123", "+61491570156"} {
		n, _ := lib.Parse(s, "")
		carrier, _ := lib.GetCarrierForNumber(n, "en")
		fmt.Printf("%s possible %v valid %v carrier %q\n", s, lib.IsPossibleNumber(n), lib.IsValidNumber(n), carrier)
	}
}
GO
got=$(go run .)
want='+12025550123 possible true valid true carrier ""
+441134960123 possible true valid true carrier ""
+447700900123 possible true valid false carrier "O2"
+33639980123 possible true valid false carrier "Orange France"
+61491570156 possible true valid true carrier "Telstra"'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
