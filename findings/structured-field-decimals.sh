#!/usr/bin/env bash
# Packages: npm structured-headers 2.1.0; github.com/dunglas/httpsfv v1.1.2.
#
# Guess: two libraries for the structured fields of RFC 9651 write one number alike, and each reads what the other
# writes. The RFC (4.1.5) rounds to three digits, halves to the even one, and wants a digit behind the point.
#
# So it is not: 1.0005 becomes "1." in JavaScript, which is no structured field: the Go library refuses it ("1.0" is what
# it writes itself, and what the RFC has). 0.0025 is "0.003" in JavaScript and "0.002" in Go (the even one).
#
# Why it matters: a header with a computed rate or price (q=1.0005) is refused as a whole by the other side: one bad
# member makes a reader drop the entire field. Send whole numbers, or numbers rounded to two digits by yourself.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E structured-headers@2.1.0
cat >main.mjs <<'JS'
import { serializeItem } from "structured-headers";
for (const n of [0.1234, 0.0025, 1.0005]) console.log(serializeItem(n));
JS
go mod init finding >/dev/null 2>&1
go get github.com/dunglas/httpsfv@v1.1.2 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/dunglas/httpsfv"
)

func main() {
	for i, n := range []float64{0.1234, 0.0025, 1.0005} {
		own, _ := httpsfv.Marshal(httpsfv.NewItem(n))
		_, err := httpsfv.UnmarshalItem([]string{os.Args[i+1]})
		fmt.Println(n, "js", os.Args[i+1], "go", own, "go reads js:", err)
	}
}
GO
mapfile -t written < <(node main.mjs)
got=$(go run . "${written[@]}" | sed 's/: character.*//; s/invalid decimal.*/invalid decimal/')
want='0.1234 js 0.123 go 0.123 go reads js: <nil>
0.0025 js 0.003 go 0.002 go reads js: <nil>
1.0005 js 1. go 1.0 go reads js: invalid decimal'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
