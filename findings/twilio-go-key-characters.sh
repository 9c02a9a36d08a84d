#!/usr/bin/env bash
# Packages: github.com/twilio/twilio-go v1.31.0; npm twilio 6.3.1 for comparison.
#
# Guess: the key's secret goes into the Authorization header as it is, and only the server can say that it is wrong.
#
# So it is not: twilio-go refuses any user name or secret that is not made of letters and digits alone, before a
# connection is opened, with an error that looks as if the server had sent it: status 400, code 21224 and a link to
# Twilio's documentation, though no such answer was received. The JavaScript client sends the same secret.
#
# Why it matters: whoever offers Twilio's API with keys of another shape ("sk_live-1") works with one of the official
# clients and not with another, and support looks for the 400 in the server's log in vain. Give keys that should work
# with Twilio's clients letters and digits only.
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
	"io"
	"net/http"
	"strings"

	"github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// count counts the requests that would have been sent.
type count int

func (n *count) RoundTrip(*http.Request) (*http.Response, error) {
	*n++
	return &http.Response{StatusCode: 201, Body: io.NopCloser(strings.NewReader(`{}`)), Header: http.Header{}}, nil
}

func main() {
	for _, secret := range []string{"s3cret", "sk_live-1"} {
		var n count
		base := &client.Client{Credentials: client.NewCredentials("AC0", secret), HTTPClient: &http.Client{Transport: &n}}
		base.SetAccountSid("AC0")
		c := twilio.NewRestClientWithParams(twilio.ClientParams{Client: base})
		_, err := c.Api.CreateMessage((&api.CreateMessageParams{}).SetTo("+12025550123").SetBody("hi"))
		fmt.Println("go", secret, "requests", int(n), err)
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E twilio@6.3.1
cat >main.cjs <<'JS'
const twilio = require("twilio");
class Show extends twilio.RequestClient {
  async request(o) {
    const header = o.headers?.Authorization?.split(" ")[1] ?? "";
    console.log("js sends", Buffer.from(header, "base64").toString() || o.username + ":" + o.password);
    return { statusCode: 201, body: {} };
  }
}
twilio("AC0", "sk_live-1", { httpClient: new Show() }).messages.create({ to: "+12025550123", body: "hi" });
JS
got=$(go run . | sed "s| (null) More info:||" && node main.cjs)
want='go s3cret requests 1 <nil>
go sk_live-1 requests 0 Status: 400 - ApiError 21224: Invalid Password. Illegal chars https://www.twilio.com/docs/errors/21224
js sends AC0:sk_live-1'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
