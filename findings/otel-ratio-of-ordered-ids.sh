#!/usr/bin/env bash
# Packages: go.opentelemetry.io/otel/sdk v1.47.0, github.com/google/uuid v1.6.0, npm @opentelemetry/sdk-trace-base 2.2.0.
#
# Guess: a sampler by the ratio of trace ids takes about that part of any ids that differ, such as UUIDs of version 4 or 7
# (a trace id is 16 bytes, not all of them zero), and the samplers of two languages take the same ones.
#
# So it is not: Go reads the second half as a number, whose two first bits are the same in every UUID. A ratio of 0.5 or
# less takes none, 0.75 or more takes all. JavaScript mixes all four quarters and takes about the ratio.
#
# Why it matters: who derives trace ids from message or request ids, to find one by the other, gets no traces at 1 %,
# without a word; and Go and JavaScript services with one ratio keep different traces. Decide apart from the id, and
# hand the sampler random bytes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off
go mod init finding >/dev/null 2>&1
go get go.opentelemetry.io/otel/sdk@v1.47.0 github.com/google/uuid@v1.6.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/google/uuid"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	ids, _ := os.Create("ids")
	taken := map[float64]int{}
	ratios := []float64{0.01, 0.5, 0.75}
	for range 10_000 {
		id := uuid.Must(uuid.NewV7())
		fmt.Fprintf(ids, "%x\n", id[:])
		for _, r := range ratios {
			if sdk.TraceIDRatioBased(r).ShouldSample(sdk.SamplingParameters{TraceID: trace.TraceID(id)}).Decision == sdk.RecordAndSample {
				taken[r]++
			}
		}
	}
	for _, r := range ratios {
		fmt.Println("go", r, taken[r])
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund @opentelemetry/sdk-trace-base@2.2.0 @opentelemetry/api@1.9.0 >/dev/null 2>&1
cat >main.mjs <<'JS'
import { readFileSync } from "node:fs";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace-base";
const ids = readFileSync("ids", "utf8").trim().split("\n");
for (const ratio of [0.01, 0.5, 0.75]) {
  const sampler = new TraceIdRatioBasedSampler(ratio);
  const n = ids.filter((id) => sampler.shouldSample(ROOT_CONTEXT, id).decision === 2).length;
  console.log("js", ratio, Math.abs(n - ratio * ids.length) < 300 ? "about that part" : n);
}
JS
got=$(go run .; node main.mjs)
want='go 0.01 0
go 0.5 0
go 0.75 10000
js 0.01 about that part
js 0.5 about that part
js 0.75 about that part'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
