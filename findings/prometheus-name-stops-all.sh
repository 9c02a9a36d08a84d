#!/usr/bin/env bash
# Package: github.com/prometheus/client_golang v1.25.0.
#
# Guess: Register refuses a metric whose name collides with another; that is what its error is for. So a program that
# starts without one has metrics that can be read.
#
# So it is not: a gauge "wait_seconds_count" beside a histogram "wait_seconds" (which writes a series of that very name)
# is registered without an error; then EVERY scrape answers 500 and not a single metric of the program is left.
# A gauge "sent" beside a counter "sent_total" is registered too: fine in the text format, but in OpenMetrics both are
# the family "sent", announced twice with two types, where the format wants each family once.
#
# Why it matters: one badly named metric, maybe of a dependency, blinds the monitoring of all others, at the first
# scrape and not at the start. Gather once in a test, and read the OpenMetrics form there too.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/prometheus/client_golang/prometheus@v1.25.0 github.com/prometheus/client_golang/prometheus/promhttp@v1.25.0 \
  >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func scrape(accept string, cs ...prometheus.Collector) {
	r := prometheus.NewRegistry()
	for _, c := range cs {
		fmt.Print("register ", r.Register(c), "; ")
	}
	req := httptest.NewRequest("GET", "/metrics", nil)
	req.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, req)
	fmt.Print("scrape ", w.Code)
	for _, line := range strings.Split(w.Body.String(), "\n") {
		if strings.HasPrefix(line, "# TYPE") {
			fmt.Print(" ", line)
		}
	}
	fmt.Println()
}

func main() {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "wait_seconds", Help: "h"})
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "wait_seconds_count", Help: "h"})
	scrape("text/plain", h, g)
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "sent_total", Help: "h"})
	s := prometheus.NewGauge(prometheus.GaugeOpts{Name: "sent", Help: "h"})
	scrape("text/plain", c, s)
	scrape("application/openmetrics-text;version=1.0.0", c, s)
}
GO
got=$(go run .)
want='register <nil>; register <nil>; scrape 500
register <nil>; register <nil>; scrape 200 # TYPE sent gauge # TYPE sent_total counter
register <nil>; register <nil>; scrape 200 # TYPE sent gauge # TYPE sent counter'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
