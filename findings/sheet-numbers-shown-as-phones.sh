#!/usr/bin/env bash
# Packages: github.com/xuri/excelize/v2 v2.11.1; npm ssf 0.11.2 (SheetJS' number formats) for comparison.
#
# Guess: GetCellValue returns what Excel shows. The commonest format for phones is Excel's own "Phone Number":
# [<=9999999]###-####;(###) ###-#### ; and a formula that puts "+" before a number, ="+"&A1, is the commonest repair of
# numbers without one.
#
# So it is not: with that format excelize takes the first section for all numbers: 2025550123 reads as "202555-0123"
# (ssf: "(202) 555-0123"). And CalcCellValue joins numbers in scientific form from eight digits on: "+" and
# 447700900123 make "+4.47700900123e+11", and LEN of it is 17.
#
# Why it matters: both come without an error from files that look right in Excel. Read phone columns with RawCellValue,
# do not calculate formulas over them, and refuse a value that holds "e+".
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
	"os"

	"github.com/xuri/excelize/v2"
)

func main() {
	f := excelize.NewFile()
	style, _ := f.NewStyle(&excelize.Style{CustomNumFmt: &os.Args[1]})
	for i, n := range []int{5550123, 2025550123} {
		cell := fmt.Sprintf("A%d", i+1)
		f.SetCellValue("Sheet1", cell, n)
		f.SetCellStyle("Sheet1", cell, cell, style)
		shown, _ := f.GetCellValue("Sheet1", cell)
		fmt.Println("excelize", n, shown)
	}
	f.SetCellValue("Sheet1", "B1", 447700900123)
	for _, formula := range []string{`"+"&B1`, `CONCATENATE("+",B1)`, `LEN(B1)`, `TEXT(B1,"+0")`} {
		f.SetCellFormula("Sheet1", "C1", formula)
		value, err := f.CalcCellValue("Sheet1", "C1")
		fmt.Println("excelize", formula, value, err)
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E ssf@0.11.2
cat >main.cjs <<'JS'
for (const n of [5550123, 2025550123]) console.log("ssf     ", n, require("ssf").format(process.argv[2], n));
JS
format='[<=9999999]###-####;(###) ###-####'
got=$(go run . "$format" && node main.cjs "$format")
want='excelize 5550123 555-0123
excelize 2025550123 202555-0123
excelize "+"&B1 +4.47700900123e+11 <nil>
excelize CONCATENATE("+",B1) +4.47700900123e+11 <nil>
excelize LEN(B1) 17 <nil>
excelize TEXT(B1,"+0") +447700900123 <nil>
ssf      5550123 555-0123
ssf      2025550123 (202) 555-0123'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
