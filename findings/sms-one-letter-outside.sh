#!/usr/bin/env bash
# Packages: github.com/fiorix/go-smpp v0.0.0-20210403173735-2894b96e70ba, npm smpp 0.5.1; github.com/warthog618/sms v0.3.0
# for comparison.
#
# Guess: an encoder that is told to write the GSM alphabet (data_coding 0) either refuses a text with one character
# outside it or writes something harmless, a space or "?", in that one place. The rest is not touched.
#
# So it is not: fiorix/go-smpp then leaves the WHOLE text in UTF-8, with data_coding 0 still: @, € and [, which are in the
# alphabet, go out as other octets too, and are shown as ¡, "b$," and Ä. Its decoder returns such octets as they are, so
# the text looks right at home. smpp for Node writes "@" in the place: “hi” – it’s becomes "@hi@ @ it@s" (its source asks
# for a space, as a string, and a Buffer makes 0 of it). Only warthog618/sms says that it can't.
#
# Why it matters: one curly quote or one ê makes another address of an address in the same text, with no error and no
# other count of parts. Look for characters outside the alphabet before encoding, and choose UCS-2 or a replacement.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E smpp@0.5.1
cat >main.cjs <<'JS'
const smpp = require("smpp");
// 33 octets stand before the text: 16 of the header and 17 of empty fields.
for (const text of process.argv.slice(2)) {
  const bytes = new smpp.PDU("submit_sm", { data_coding: 0, short_message: text }).toBuffer();
  console.log(bytes.subarray(33).toString("hex"));
}
JS
go mod init finding >/dev/null 2>&1
go get github.com/fiorix/go-smpp@v0.0.0-20210403173735-2894b96e70ba github.com/warthog618/sms@v0.3.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"encoding/hex"
	"fmt"
	"os"

	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"
	"github.com/warthog618/sms/encoding/gsm7"
)

// shown is what a phone shows of octets in the GSM alphabet: it has seven bits of each.
func shown(octets []byte) string {
	septets := make([]byte, len(octets))
	for i, o := range octets {
		septets[i] = o & 0x7f
	}
	text, _ := gsm7.Decode(septets)
	return string(text)
}

func main() {
	half := len(os.Args)/2 + 1
	for i, text := range os.Args[1:half] {
		codec := pdutext.GSM7(text)
		out := codec.Encode()
		node, _ := hex.DecodeString(os.Args[half+i])
		_, err := gsm7.Encode([]byte(text))
		fmt.Printf("%s\n  go-smpp  data_coding %d, shown %q, read by itself %q\n", text, codec.Type(), shown(out), pdutext.GSM7(out).Decode())
		fmt.Printf("  smpp     shown %q\n  warthog  refuses %t\n", shown(node), err != nil)
	}
}
GO
texts=('a@b.de [5€] für' 'a@b.de [5€] fête')
mapfile -t node < <(node main.cjs "${texts[@]}")
got=$(go run . "${texts[@]}" "${node[@]}")
want='a@b.de [5€] für
  go-smpp  data_coding 0, shown "a@b.de [5€] für", read by itself "a@b.de [5€] für"
  smpp     shown "a@b.de [5€] für"
  warthog  refuses false
a@b.de [5€] fête
  go-smpp  data_coding 0, shown "a¡b.de Ä5b$,Ñ fC*te", read by itself "a@b.de [5€] fête"
  smpp     shown "a@b.de [5€] f@te"
  warthog  refuses true'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
