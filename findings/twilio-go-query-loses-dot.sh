#!/usr/bin/env bash
# Packages: github.com/twilio/twilio-go v1.31.0; npm twilio 6.3.1 for comparison.
#
# Guess: a client library percent-encodes the filters of a list and sends them as they are.
#
# So it is not: twilio-go removes every dot that is followed by digits, with the digits, from the query of a GET: a
# filter by the sender "Club.54" asks for "Club", and the list of another sender (or an empty one) comes back, without
# an error. (An encoder of nested forms adds such indexes to its keys; they are removed from the finished string, keys
# and values alike.) Bodies of POST calls are untouched. The JavaScript client sends "Club.54".
#
# Why it matters: whoever looks for a message again by its sender, or goes on with a page token that holds ".1", acts
# on the wrong list. A server that copies Twilio's API sees filters that nobody wrote; do not filter by such a name.
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

// show prints each request instead of sending it.
type show struct{}

func (show) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
	}
	fmt.Println(strings.TrimSpace("go " + r.Method + " " + r.URL.RawQuery + " " + body))
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"messages":[]}`)), Header: http.Header{}}, nil
}

func main() {
	base := &client.Client{Credentials: client.NewCredentials("AC0", "secret"), HTTPClient: &http.Client{Transport: show{}}}
	base.SetAccountSid("AC0")
	c := twilio.NewRestClientWithParams(twilio.ClientParams{Client: base})
	c.Api.ListMessage((&api.ListMessageParams{}).SetFrom("Club.54"))
	c.Api.CreateMessage((&api.CreateMessageParams{}).SetFrom("Club.54").SetTo("+12025550123").SetBody("v1.5"))
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E twilio@6.3.1
cat >main.cjs <<'JS'
const twilio = require("twilio");
class Show extends twilio.RequestClient {
  async request(o) {
    console.log("js", o.method.toUpperCase(), new URLSearchParams(o.params).toString());
    return { statusCode: 200, body: { messages: [] } };
  }
}
twilio("AC0", "secret", { httpClient: new Show() }).messages.list({ from: "Club.54" });
JS
got=$(go run . && node main.cjs)
want='go GET From=Club&PageSize=50
go POST  Body=v1.5&From=Club.54&To=%2B12025550123
js GET From=Club.54'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
