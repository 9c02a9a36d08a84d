#!/usr/bin/env bash
# Packages: npm node-pdu 2.1.1 (encodes); github.com/warthog618/sms v0.3.0 (reads the octets as a phone does).
#
# Guess: the backtick is not in the GSM alphabet of 3GPP TS 23.038, so a text with one is sent as UCS-2, as other
# libraries do; and an encoder and a decoder of one package that agree with each other are right.
#
# So it is not: node-pdu keeps the backtick in the 7-bit alphabet at 0x5F, which is the section sign. Its own decoder
# turns 0x5F back into a backtick, so a round trip looks perfect, while any other decoder, and the phone, shows "§".
# The package is just as far off at the other end: 160 plain letters, which fit into one message, become two parts.
#
# Why it matters: `code` arrives as §code§, and the bill for a full message doubles. Test an encoder with a decoder of
# somebody else, never with its own.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E node-pdu@2.1.1
cat >main.cjs <<'JS'
const { Submit, parse } = require("node-pdu");
const [hex] = new Submit("+12025550123", "`").getPartStrings();
console.error("octet", hex.slice(-2), "own decoder", parse(hex).data.getText(), "160 letters:",
  new Submit("+12025550123", "a".repeat(160)).getPartStrings().length, "parts");
console.log(hex.slice(-2));
JS
go mod init finding >/dev/null 2>&1
go get github.com/warthog618/sms@v0.3.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"encoding/hex"
	"fmt"
	"os"

	"github.com/warthog618/sms/encoding/gsm7"
)

func main() {
	b, _ := hex.DecodeString(os.Args[1])
	text, err := gsm7.Decode(b)
	fmt.Println("other decoder", string(text), err)
}
GO
octet=$(node main.cjs 2>own)
got="$(cat own)
$(go run . "$octet")"
want='octet 5F own decoder ` 160 letters: 2 parts
other decoder § <nil>'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
