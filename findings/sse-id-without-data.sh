#!/usr/bin/env bash
# Packages: github.com/tmaxmax/go-sse v0.12.0, npm eventsource-parser 3.0.6.
#
# Guess: a block with an id and no data sets the position and is no event (WHATWG HTML, 9.2.6): servers send one as a
# cheap "you are up to here". Both readers follow the standard, so neither shows an event, and the next one carries
# that position as its last event id.
#
# So it is not: go-sse hands the block over as an event with empty data, and so it does with "event: ping" alone.
# eventsource-parser shows no event, but loses the id: the next event comes without one, and nothing else reports it.
#
# Why it matters: a server that moves idle clients on in this way makes Go clients parse "" as JSON, and JavaScript
# clients resume at an old place. Send the position with data, as an event of a type of its own.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/tmaxmax/go-sse@v0.12.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"strings"

	gosse "github.com/tmaxmax/go-sse"
)

func main() {
	for e, err := range gosse.Read(strings.NewReader("id: 41\n\nevent: ping\n\ndata: x\n\n"), nil) {
		fmt.Printf("go-sse id %q type %q data %q %v\n", e.LastEventID, e.Type, e.Data, err)
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E eventsource-parser@3.0.6
cat >main.mjs <<'JS'
import { createParser } from "eventsource-parser";
const parser = createParser({ onEvent: (e) => console.log("parser id", e.id, "type", e.event, "data", e.data) });
parser.feed("id: 41\n\nevent: ping\n\ndata: x\n\n");
JS
got=$(go run . && node main.mjs)
want='go-sse id "41" type "" data "" <nil>
go-sse id "41" type "ping" data "" <nil>
go-sse id "41" type "" data "x" <nil>
parser id undefined type undefined data x'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
