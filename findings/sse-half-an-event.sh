#!/usr/bin/env bash
# Packages: github.com/r3labs/sse/v2 v2.10.0; github.com/tmaxmax/go-sse v0.12.0 for comparison.
#
# Guess: an event counts when its empty line has come. The standard (WHATWG HTML, 9.2.6) says that an incomplete event
# at the end of the stream is discarded, and clients for event streams do so, since streams are cut all the time.
#
# So it is not: r3labs/sse hands over what it has when the connection ends: of "id: 8" and half a line of JSON, an event
# with that half line, and with the id. go-sse drops it.
#
# Why it matters: a proxy that cuts a stream makes the client parse half a JSON text; worse, one that notes the id of
# each event before it looks at the data goes on after it, and never gets that event whole. With such a client, note an
# id only when its data could be parsed.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/r3labs/sse/v2@v2.10.0 github.com/tmaxmax/go-sse@v0.12.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	r3 "github.com/r3labs/sse/v2"
	gosse "github.com/tmaxmax/go-sse"
)

const stream = "id: 7\ndata: {\"status\":\"sent\"}\n\nid: 8\ndata: {\"status\":\"del"

func main() {
	for e, err := range gosse.Read(strings.NewReader(stream), nil) {
		if err == nil {
			fmt.Println("go-sse", e.LastEventID, e.Data)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") == "" { // a second connection gets nothing
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, stream)
			return
		}
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	seen := 0
	r3.NewClient(server.URL).SubscribeRawWithContext(ctx, func(e *r3.Event) {
		fmt.Println("r3labs", string(e.ID), string(e.Data))
		if seen++; seen == 2 {
			cancel()
		}
	})
	cancel()
}
GO
got=$(timeout 60 go run . | head -3)
want='go-sse 7 {"status":"sent"}
r3labs 7 {"status":"sent"}
r3labs 8 {"status":"del'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
