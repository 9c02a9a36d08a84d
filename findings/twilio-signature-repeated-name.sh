#!/usr/bin/env bash
# Packages: github.com/twilio/twilio-go v1.31.0, npm twilio 6.3.1: the request validators of both.
#
# Guess: the signature of a form is defined once (sort the names, join name and value, HMAC-SHA1), so both official
# validators accept the same signature for the same form, also when a name comes twice, as HTML forms allow.
#
# So it is not: Go's ValidateBody counts the FIRST value of a repeated name only; JavaScript's validateRequest takes
# all of them, sorted and each once. No signature for "To=b&To=a" satisfies both; with "To=a&To=a" they agree, since
# the second one is dropped by both.
#
# Why it matters: a service that signs callbacks in Twilio's way, and repeats a name (several media, several tags),
# is refused by receivers in Go or in JavaScript, whichever it was not tested with. Number the names instead, as
# Twilio does: MediaUrl0, MediaUrl1.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/twilio/twilio-go@v1.31.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/twilio/twilio-go/client"
)

func main() {
	v := client.NewRequestValidator("token")
	fmt.Print(v.ValidateBody("https://example.test/x", []byte(os.Args[1]), os.Args[2]))
}
GO
go build -o validate .
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E twilio@6.3.1
cat >main.cjs <<'JS'
const { createHmac } = require("crypto");
const { execFileSync } = require("child_process");
const { validateRequest } = require("twilio");
const url = "https://example.test/x";
for (const [body, params] of [["To=b&To=a", ["b", "a"]], ["To=a&To=a", ["a", "a"]]]) {
  for (const signed of ["To" + params[0], "ToaTob", "ToaToa"]) {
    const signature = createHmac("sha1", "token").update(url + signed).digest("base64");
    console.log(body, "signed as", signed, "go", String(execFileSync("./validate", [body, signature])),
      "js", validateRequest("token", signature, url, { To: params }));
  }
}
JS
got=$(node main.cjs)
want='To=b&To=a signed as Tob go true js false
To=b&To=a signed as ToaTob go false js true
To=b&To=a signed as ToaToa go false js false
To=a&To=a signed as Toa go true js true
To=a&To=a signed as ToaTob go false js false
To=a&To=a signed as ToaToa go false js false'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
