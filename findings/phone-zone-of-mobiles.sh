#!/usr/bin/env bash
# Package: github.com/nyaruka/phonenumbers v1.8.1.
#
# Guess: a mobile number says nothing of the place, so GetTimezonesForNumber answers all zones of the country, as it
# does for a British or Kazakh mobile: a sender that holds messages in the night can see that it does not know.
#
# So it is not: mobiles of Russia (eleven hours of the day), Australia and Indonesia get ONE zone, the capital's or
# Sydney's, with no sign that it is a guess; the country's own prefix lists 16, 8 and 3. It is the other way round
# for toll-free numbers, where the table does list many. A landline of Kuala Lumpur comes as Asia/Kuching, on Borneo.
#
# Why it matters: with "quiet hours in the recipient's zone", 20 o'clock in Moscow is taken for Vladivostok, where it is
# 3 in the night, and 8 o'clock in Sydney for Perth, where it is 5 or 6: the message wakes people while the data says one
# zone, no doubt. Treat these countries' mobiles as "several zones" yourself.
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
	numbers := []string{"+79125550123", "+61491570156", "+628125550123", "+447700900123", "+77015550123", "+18005550123", "+60323850123"}
	for _, s := range numbers {
		n, _ := lib.Parse(s, "")
		zones, _ := lib.GetTimezonesForNumber(n)
		country, _ := lib.GetTimezonesForPrefix(fmt.Sprintf("+%d", n.GetCountryCode()))
		fmt.Println(s, zones[0], len(zones), "of", len(country))
	}
}
GO
got=$(go run .)
want='+79125550123 Europe/Moscow 1 of 16
+61491570156 Australia/Sydney 1 of 8
+628125550123 Asia/Jakarta 1 of 3
+447700900123 Europe/Guernsey 3 of 4
+77015550123 Asia/Almaty 2 of 16
+18005550123 America/Adak 42 of 42
+60323850123 Asia/Kuching 1 of 1'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
