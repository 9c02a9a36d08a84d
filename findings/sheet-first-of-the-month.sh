#!/usr/bin/env bash
# Package: github.com/xuri/excelize/v2 v2.11.1.
#
# Guess: a time written with SetCellValue is shown as date and time; the documentation names the default format,
# "m/d/yy h:mm", and says nothing of other cases.
#
# So it is not: on the FIRST day of a month the cell gets the format "mmm-yy", whatever the time of day: 1 March 2026
# 10:00 is shown, and read back with GetCellValue and GetRows, as "Mar-26"; 2 March 10:00 as "3/2/26 10:00", and a
# midnight as a date alone. The value itself is whole: only the raw value still has it.
#
# Why it matters: an export of messages with their times looks right on thirty days and loses day and hour on the first
# of the month, also for whoever reads it back by program. Set a format of your own for every column of times.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/xuri/excelize/v2@v2.11.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"time"

	"github.com/xuri/excelize/v2"
)

func main() {
	f := excelize.NewFile()
	for i, t := range []time.Time{
		time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
		time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC),
		time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
	} {
		cell := fmt.Sprintf("A%d", i+1)
		f.SetCellValue("Sheet1", cell, t)
		shown, _ := f.GetCellValue("Sheet1", cell)
		raw, _ := f.GetCellValue("Sheet1", cell, excelize.Options{RawCellValue: true})
		fmt.Println(t.Format("2006-01-02 15:04"), "->", shown, raw)
	}
}
GO
got=$(go run .)
want='2026-03-01 10:00 -> Mar-26 46082.4166666667
2026-03-02 10:00 -> 3/2/26 10:00 46083.4166666667
2026-03-02 00:00 -> 03-02-26 46083'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
