#!/usr/bin/env bash
# Packages: go.opentelemetry.io/otel v1.38.0, npm @opentelemetry/core 2.2.0.
#
# Guess: the flags of a traceparent are bits: W3C's first level names one of them (sampled), its second level another
# (02, random), and a reader ignores those that it doesn't know.
#
# So it is not in Go: a header with the flags 03 (sampled and random, as a level 2 client writes them) is refused as a
# whole, so the trace begins anew. 02 alone is taken, and so is 03 in a header of an unknown VERSION. JavaScript takes
# all of them.
#
# Why it matters: after a client's update every trace breaks at the first Go service, without a log line. A service that
# must not lose them clears the unknown bits before it hands the header to the propagator.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off
go mod init finding >/dev/null 2>&1
go get go.opentelemetry.io/otel@v1.38.0 go.opentelemetry.io/otel/trace@v1.38.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	for _, header := range os.Args[1:] {
		ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": header})
		fmt.Println("go", header[:2], header[53:], trace.SpanContextFromContext(ctx).IsValid())
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund @opentelemetry/core@2.2.0 @opentelemetry/api@1.9.0 >/dev/null 2>&1
cat >main.mjs <<'JS'
import { parseTraceParent } from "@opentelemetry/core";
for (const header of process.argv.slice(2)) console.log("js", header.slice(0, 2), header.slice(53), parseTraceParent(header) !== null);
JS
ids=4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7
headers="00-$ids-01 00-$ids-02 00-$ids-03 01-$ids-03"
# shellcheck disable=SC2086
got=$(go run . $headers; node main.mjs $headers)
want='go 00 01 true
go 00 02 true
go 00 03 false
go 01 03 true
js 00 01 true
js 00 02 true
js 00 03 true
js 01 03 true'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
