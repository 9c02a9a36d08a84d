#!/usr/bin/env bash
# Packages: npm standardwebhooks 1.1.1; Go github.com/standard-webhooks/standard-webhooks/libraries v0.0.1.
#
# Guess: a signature covers bytes, so verify() answers for any body: a form, an old charset, a file. The JavaScript
# function takes a Buffer, which is bytes, and the Go one []byte.
#
# So it is not: JavaScript's verify() ends with JSON.parse, so a body that is rightly signed but no JSON throws a
# SyntaxError, not the library's WebhookVerificationError; and a Buffer is turned into a string first, so a body that is
# not UTF-8 (a form in Latin-1) has "no matching signature". Go accepts both bodies.
#
# Why it matters: a receiver that forwards Twilio-shaped forms or files signed this way can't check them in JavaScript,
# and one that treats "an error was thrown" as "forged" refuses good calls. Sign JSON in UTF-8 only.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E standardwebhooks@1.1.1
cat >main.cjs <<'JS'
const { createHmac } = require("crypto");
const { Webhook } = require("standardwebhooks");
const key = Buffer.from("0123456789abcdef01234567");
const now = String(Math.floor(Date.now() / 1000));
const bodies = { json: Buffer.from('{"a":1}'), form: Buffer.from("Body=hi&To=12025550123"), latin1: Buffer.from('{"a":"\xe9"}', "latin1") };
for (const [name, body] of Object.entries(bodies)) {
  const mac = createHmac("sha256", key).update(`msg_1.${now}.`).update(body).digest("base64");
  const headers = { "webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": "v1," + mac };
  let result = "accepted";
  try {
    new Webhook("whsec_" + key.toString("base64")).verify(body, headers);
  } catch (err) {
    result = err.constructor.name;
  }
  console.log("js", name, result);
}
JS
go mod init finding >/dev/null 2>&1
go get github.com/standard-webhooks/standard-webhooks/libraries@v0.0.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	key := []byte("0123456789abcdef01234567")
	now := fmt.Sprint(time.Now().Unix())
	for _, c := range [][2]string{{"json", `{"a":1}`}, {"form", "Body=hi&To=12025550123"}, {"latin1", "{\"a\":\"\xe9\"}"}} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("msg_1." + now + "." + c[1]))
		h := http.Header{}
		h.Set("webhook-id", "msg_1")
		h.Set("webhook-timestamp", now)
		h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		w, _ := standardwebhooks.NewWebhookRaw(key)
		fmt.Println("go", c[0], w.Verify([]byte(c[1]), h))
	}
}
GO
got=$(node main.cjs && go run .)
want='js json accepted
js form SyntaxError
js latin1 WebhookVerificationError
go json <nil>
go form <nil>
go latin1 <nil>'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
