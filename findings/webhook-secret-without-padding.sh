#!/usr/bin/env bash
# Packages: npm standardwebhooks 1.1.1, npm svix 1.84.1; Go github.com/standard-webhooks/standard-webhooks/libraries v0.0.1.
#
# Guess: the libraries of one specification read a signing secret alike. It is base64 behind "whsec_"; whoever makes a
# 32-byte secret may leave the "=" at the end out (much base64 code does), and that is either fine or an error.
#
# So it is not: JavaScript's decoder takes the secret without padding and makes the right signatures; Go's NewWebhook
# refuses it ("illegal base64 data"). With 24 bytes, the example of the specification, base64 has no padding and the
# difference never shows.
#
# Why it matters: a service that hands out unpadded secrets works with every customer who writes JavaScript, and fails
# at start for each who writes Go. Make secrets of 24 or 48 bytes, or pad them.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E standardwebhooks@1.1.1 svix@1.84.1
cat >main.cjs <<'JS'
const libraries = { standardwebhooks: require("standardwebhooks").Webhook, svix: require("svix").Webhook };
for (const [name, Webhook] of Object.entries(libraries)) {
  const signed = process.argv.slice(2).map((secret) => new Webhook(secret).sign("msg_1", new Date(1700000000000), "{}"));
  console.log(name, "32 bytes padded and not: same signature", signed[0] === signed[1]);
}
JS
go mod init finding >/dev/null 2>&1
go get github.com/standard-webhooks/standard-webhooks/libraries@v0.0.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	for _, secret := range os.Args[1:] {
		_, err := standardwebhooks.NewWebhook(secret)
		fmt.Println("go", len(secret), err)
	}
}
GO
padded=whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
got=$(node main.cjs "$padded" "${padded%=}" && go run . "$padded" "${padded%=}")
want='standardwebhooks 32 bytes padded and not: same signature true
svix 32 bytes padded and not: same signature true
go 50 <nil>
go 49 unable to create webhook, err: illegal base64 data at input byte 40'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
