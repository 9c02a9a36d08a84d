#!/usr/bin/env bash
# Packages: github.com/warthog618/sms v0.3.0 (writes); npm smpp 0.5.1 (reads).
#
# Guess: a library that offers the national language tables of 3GPP TS 23.038 announces the table as TS 23.040 lists it,
# with information element 25 (hexadecimal) for a locking table and 24 for a single one, so that a phone knows it.
#
# So it is not: warthog618/sms with all character sets writes the decimal numbers: element 0x19 instead of 0x25. Its
# own decoder looks for 0x19 too, so Turkish text makes the round trip. smpp, which looks for 0x25 and 0x24, keeps
# the text in the default alphabet, as a phone will: the letters that are Turkish come out as others.
#
# Why it matters: the point of the tables is 155 letters instead of 70 in a Turkish message. A sender who turns them on
# sees good tests and garbled messages. Send one real message per table before you offer it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/warthog618/sms@v0.3.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/tpdu"
)

func main() {
	pdus, err := sms.Encode([]byte("şifre ğı"), sms.WithAllCharsets)
	own, _ := sms.Decode([]*tpdu.TPDU{&pdus[0]})
	header, _ := pdus[0].UDH.MarshalBinary()
	fmt.Printf("%x %s %v\n", append(header, pdus[0].UD...), own, err)
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E smpp@0.5.1
cat >main.cjs <<'JS'
const { filters } = require("smpp");
const read = (octets) => filters.message.decode.call({ data_coding: 0, esm_class: 0x40 }, octets).message;
const [hex] = require("fs").readFileSync("written", "utf8").split(" ");
const octets = Buffer.from(hex, "hex");
console.log("element 0x" + octets[1].toString(16), "smpp reads", JSON.stringify(read(octets)));
octets[1] = 0x25;
console.log("element 0x25 smpp reads", JSON.stringify(read(octets)));
JS
go run . >written
got="$(cut -d ' ' -f 2- written)
$(node main.cjs)"
want='şifre ğı <nil>
element 0x19 smpp reads "æifre øì"
element 0x25 smpp reads "şifre ğı"'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
