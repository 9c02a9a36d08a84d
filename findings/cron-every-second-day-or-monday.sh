#!/usr/bin/env bash
# Packages: github.com/robfig/cron/v3 v3.0.1 (asynq's scheduler stands on it), github.com/adhocore/gronx v1.20.4;
# npm cron-parser 5.10.6, croner 11.0.1.
#
# Guess: "0 9 */2 * 1" is one set of days for all readers of cron lines. A day of the month and a day of the week together
# mean either of them, unless one is a star; and "*/2" is the same as "1-31/2", which the manuals give as its long form.
#
# So it is not: crontab(5) looks whether a field BEGINS with a star: with */2 both must match, so Mondays with an odd date,
# and with 1-31/2 either. gronx does so, 26 runs in a year. The three others take every odd date and every Monday, 212
# runs, and know no difference between the two lines.
#
# Why it matters: a campaign for every other Monday goes out four times a week, or one moved from a crontab into a service
# does. In lines that are kept or taken from elsewhere refuse a step in one day field next to a value in the other.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E cron-parser@5.10.6 croner@11.0.1
cat >main.mjs <<'JS'
import { Cron } from "croner";
import parser from "cron-parser";

const [from, until] = [new Date("2026-01-01T00:00:00Z"), new Date("2027-01-01T00:00:00Z")];
for (const line of process.argv.slice(2)) {
  const first = parser.CronExpressionParser.parse(line, { currentDate: from, tz: "UTC" });
  let n = 0;
  while (first.next().toDate() < until) n++;
  console.log(`${line} cron-parser ${n}`);
  const second = new Cron(line, { timezone: "UTC", paused: true });
  console.log(`${line} croner ${second.nextRuns(400, from).filter((t) => t < until).length}`);
}
JS
go mod init finding >/dev/null 2>&1
go get github.com/robfig/cron/v3@v3.0.1 github.com/adhocore/gronx@v1.20.4 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/adhocore/gronx"
	"github.com/robfig/cron/v3"
)

// runs counts the runs in 2026.
func runs(next func(time.Time) time.Time) (n int) {
	for t := next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); t.Year() == 2026; t = next(t) {
		n++
	}
	return n
}

func main() {
	for _, line := range os.Args[1:] {
		s, _ := cron.ParseStandard(line)
		fmt.Println(line, "robfig", runs(s.Next))
		fmt.Println(line, "gronx", runs(func(t time.Time) time.Time {
			t, _ = gronx.NextTickAfter(line, t, false)
			return t
		}))
	}
}
GO
lines=("0 9 */2 * 1" "0 9 1-31/2 * 1" "0 9 * * 1")
got=$(node main.mjs "${lines[@]}" && go run . "${lines[@]}")
want='0 9 */2 * 1 cron-parser 212
0 9 */2 * 1 croner 212
0 9 1-31/2 * 1 cron-parser 212
0 9 1-31/2 * 1 croner 212
0 9 * * 1 cron-parser 52
0 9 * * 1 croner 52
0 9 */2 * 1 robfig 212
0 9 */2 * 1 gronx 26
0 9 1-31/2 * 1 robfig 212
0 9 1-31/2 * 1 gronx 212
0 9 * * 1 robfig 52
0 9 * * 1 gronx 52'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
