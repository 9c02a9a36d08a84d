#!/usr/bin/env bash
# Packages: github.com/robfig/cron/v3 v3.0.1 (asynq's scheduler stands on it); npm cron-parser 5.10.6 for comparison.
#
# Guess: "30 2 * * *" is once a day. The documentation of robfig/cron warns of one case only: a time in the hour that is
# missing in spring is skipped; in autumn one of the two 02:30 is taken.
#
# So it is not: in autumn robfig/cron runs the job TWICE, at 02:30 summer time and an hour later at 02:30 winter time.
# cron-parser yields the first one only, and in spring it moves the missing one to 03:30 instead of skipping it: for
# the same line and zone the two differ on both days of the year.
#
# Why it matters: a nightly campaign or report goes out twice on one night and not at all on another. Give jobs that
# must run once a key of the local date, or schedule them in UTC or outside 01:00 to 03:00.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/robfig/cron/v3@v3.0.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"time"
	_ "time/tzdata"

	"github.com/robfig/cron/v3"
)

func main() {
	berlin, _ := time.LoadLocation("Europe/Berlin")
	schedule, _ := cron.ParseStandard("30 2 * * *")
	for _, day := range []string{"2026-10-24T12:00:00Z", "2026-03-28T12:00:00Z"} {
		t, _ := time.Parse(time.RFC3339, day)
		t = t.In(berlin)
		fmt.Print("robfig     ")
		for range 3 {
			t = schedule.Next(t)
			fmt.Print(" ", t.Format("01-02 15:04 MST"))
		}
		fmt.Println()
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E cron-parser@5.10.6
cat >main.mjs <<'JS'
import cron from "cron-parser";
for (const currentDate of ["2026-10-24T12:00:00Z", "2026-03-28T12:00:00Z"]) {
  const jobs = cron.CronExpressionParser.parse("30 2 * * *", { currentDate, tz: "Europe/Berlin" });
  console.log("cron-parser", [0, 1, 2].map(() => jobs.next().toISOString().slice(5, 16) + "Z").join(" "));
}
JS
got=$(go run . && node main.mjs)
want='robfig      10-25 02:30 CEST 10-25 02:30 CET 10-26 02:30 CET
robfig      03-30 02:30 CEST 03-31 02:30 CEST 04-01 02:30 CEST
cron-parser 10-25T00:30Z 10-26T01:30Z 10-27T01:30Z
cron-parser 03-29T01:30Z 03-30T00:30Z 03-31T00:30Z'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
