#!/usr/bin/env bash
# Packages: npm xlsx 0.18.5, exceljs 4.4.0; github.com/xuri/excelize/v2 v2.11.1 for comparison.
#
# Guess: what one of the two usual libraries of JavaScript writes as a date, with its option for dates, the other reads as
# that date, or as a text or number that is plainly no date.
#
# So it is not: xlsx (SheetJS) with cellDates writes a cell of the type "d" with an ISO 8601 time, as ECMA-376 (18.18.11)
# allows. exceljs takes the digits before the first dash, 2026, for a day number, and since the cell has a
# date format it hands over a Date: 18 July 1905, for each day of the year. Without cellDates the same date is read well.
# excelize and xlsx itself read both.
#
# Why it matters: an export with send times becomes an import whose times all lie in 1905: "in the past" is sent at once
# or thrown away, and birthdays or last orders are wrong without an error. Write sheets without cellDates, and refuse
# dates before your own first day.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off TZ=UTC

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E xlsx@0.18.5 exceljs@4.4.0
cat >main.cjs <<'JS'
const ExcelJS = require("exceljs");
const XLSX = require("xlsx");

(async () => {
  const rows = [[new Date("2026-03-01T10:00:00Z")], [new Date("2026-11-30T10:00:00Z")]];
  for (const cellDates of [true, false]) {
    const file = `${cellDates}.xlsx`;
    const book = XLSX.utils.book_new();
    XLSX.utils.book_append_sheet(book, XLSX.utils.aoa_to_sheet(rows, { cellDates: true }), "S");
    XLSX.writeFile(book, file, { cellDates });
    const read = new ExcelJS.Workbook();
    await read.xlsx.readFile(file);
    for (const cell of ["A1", "A2"]) {
      const { v } = XLSX.readFile(file, { cellDates: true }).Sheets.S[cell];
      console.log("cellDates", cellDates, cell, "xlsx", v.toISOString(), "exceljs", read.worksheets[0].getCell(cell).value.toISOString());
    }
  }
})();
JS
go mod init finding >/dev/null 2>&1
go get github.com/xuri/excelize/v2@v2.11.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/xuri/excelize/v2"
)

func main() {
	for _, file := range []string{"true", "false"} {
		f, err := excelize.OpenFile(file + ".xlsx")
		a1, _ := f.GetCellValue("S", "A1")
		a2, _ := f.GetCellValue("S", "A2")
		fmt.Println("cellDates", file, "excelize", a1, a2, err)
	}
}
GO
got=$(node main.cjs && go run .)
want='cellDates true A1 xlsx 2026-03-01T10:00:00.000Z exceljs 1905-07-18T00:00:00.000Z
cellDates true A2 xlsx 2026-11-30T10:00:00.000Z exceljs 1905-07-18T00:00:00.000Z
cellDates false A1 xlsx 2026-03-01T10:00:00.000Z exceljs 2026-03-01T10:00:00.000Z
cellDates false A2 xlsx 2026-11-30T10:00:00.000Z exceljs 2026-11-30T10:00:00.000Z
cellDates true excelize 03-01-26 11-30-26 <nil>
cellDates false excelize 03-01-26 11-30-26 <nil>'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
