#!/usr/bin/env bash
# Packages: github.com/emersion/go-vcard v0.0.0-20260618161152-d854b7e0e2d3, npm ical.js 2.2.1, npm vcf 2.1.2.
#
# Guess: phones still export contacts as vCard 2.1 (TEL;CELL:+1...); a reader for 3.0 and 4.0 reads that too or refuses
# it. And a semicolon that is escaped in a text (RFC 6350, 3.4 allows it) comes back without its backslash.
#
# So it is not: go-vcard reads "TEL;CELL:+12025550123" without an error as a telephone with an EMPTY value and a
# parameter CELL="+12025550123"; ical.js raises an error; vcf reads it. Of "a\;b" both go-vcard and ical.js keep the
# backslash, and add another when they write: each trip through them doubles it.
#
# Why it matters: an import shows a hundred contacts and not one number, without a complaint; and notes of contacts that
# are read and stored again grow backslashes. Refuse version 2.1, or a card whose TEL is empty.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

printf 'BEGIN:VCARD\r\nVERSION:2.1\r\nFN:Ann\r\nTEL;CELL:+12025550123\r\nEND:VCARD\r\n' >old.vcf
printf 'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ann\r\nNOTE:a\\;b\r\nEND:VCARD\r\n' >note.vcf
go mod init finding >/dev/null 2>&1
go get github.com/emersion/go-vcard@v0.0.0-20260618161152-d854b7e0e2d3 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/emersion/go-vcard"
)

func main() {
	b, _ := os.ReadFile("old.vcf")
	card, err := vcard.NewDecoder(bytes.NewReader(b)).Decode()
	fmt.Printf("go-vcard TEL %q %v %v\n", card.Get("TEL").Value, card.Get("TEL").Params, err)
	b, _ = os.ReadFile("note.vcf")
	card, _ = vcard.NewDecoder(bytes.NewReader(b)).Decode()
	var out bytes.Buffer
	vcard.NewEncoder(&out).Encode(card)
	for _, line := range strings.Split(out.String(), "\r\n") {
		if strings.HasPrefix(line, "NOTE") {
			fmt.Println("go-vcard", line)
		}
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E ical.js@2.2.1 vcf@2.1.2
cat >main.mjs <<'JS'
import fs from "fs";
import ICAL from "ical.js";
import vCard from "vcf";
const old = fs.readFileSync("old.vcf", "utf8");
try {
  ICAL.parse(old);
} catch (err) {
  console.log("ical.js", err.message);
}
console.log("vcf", new vCard().parse(old).get("tel").valueOf());
console.log("ical.js", ICAL.stringify(ICAL.parse(fs.readFileSync("note.vcf", "utf8"))).match(/NOTE.*/)[0].trim());
JS
got=$(go run . && node main.mjs)
want='go-vcard TEL "" map[CELL:[+12025550123]] <nil>
go-vcard NOTE:a\\;b
ical.js Invalid parameters in '"'TEL;CELL:+12025550123'"'
vcf +12025550123
ical.js NOTE:a\\;b'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
