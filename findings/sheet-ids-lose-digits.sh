#!/usr/bin/env bash
# Package: github.com/xuri/excelize/v2 v2.11.1.
#
# Guess: the option RawCellValue returns a cell's value as the file holds it: "specifies if apply the number format for
# the cell value or get the raw value". An id of 16 digits that was written as an int64 comes back with 16 digits.
#
# So it is not: above 15 digits the text is in scientific form, with the option as well as without: 1234567890123456
# comes back as 1.23456789012346E+15, rounded, though the file itself holds all 16 digits (shown below from the XML).
# 15 digits come back whole.
#
# Why it matters: ids of WhatsApp (phone number ids, business account ids) have 15 to 17 digits, and lists of them are
# kept in spreadsheets. They change silently between writing and reading. Write ids as text, and refuse "E+" on import.
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
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"regexp"

	"github.com/xuri/excelize/v2"
)

func main() {
	f := excelize.NewFile()
	f.SetCellValue("Sheet1", "A1", int64(123456789012345))
	f.SetCellValue("Sheet1", "A2", int64(1234567890123456))
	var buf bytes.Buffer
	f.Write(&buf)
	z, _ := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	sheet, _ := z.Open("xl/worksheets/sheet1.xml")
	xml, _ := io.ReadAll(sheet)
	g, _ := excelize.OpenReader(&buf)
	for i, m := range regexp.MustCompile(`<v>(\d+)</v>`).FindAllSubmatch(xml, -1) {
		cell := fmt.Sprintf("A%d", i+1)
		shown, _ := g.GetCellValue("Sheet1", cell)
		raw, _ := g.GetCellValue("Sheet1", cell, excelize.Options{RawCellValue: true})
		fmt.Printf("file %s value %s raw %s\n", m[1], shown, raw)
	}
}
GO
got=$(go run .)
want='file 123456789012345 value 123456789012345 raw 123456789012345
file 1234567890123456 value 1.23456789012346E+15 raw 1.23456789012346E+15'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
