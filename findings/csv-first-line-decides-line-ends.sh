#!/usr/bin/env bash
# Packages: npm papaparse 5.7.1, npm csv-parse 7.0.3; Go's encoding/csv (of the Go toolchain in use) for comparison.
#
# Guess: a file whose header was edited on Windows (CRLF) and whose rows came from a program (LF) is read row by row:
# RFC 4180 wants CRLF, and every reader takes LF as well.
#
# So it is not: both JavaScript readers look at the first line end and then know no other. After a CRLF all later rows
# are glued to one, with no error from Papa Parse (its list of errors is empty) and, when the field counts are relaxed,
# none from csv-parse; its strict mode does complain. Go's reader takes each line end as it comes.
#
# Why it matters: a contact list of a thousand people becomes one contact with a very long name, or thirty fields too
# many, in the browser, while the server reads a thousand. Turn CRLF into LF before parsing.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

printf 'to,name\r\n+12025550123,Ann\n+12025550124,Bob\n' >list.csv
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E papaparse@5.7.1 csv-parse@7.0.3
cat >main.mjs <<'JS'
import fs from "fs";
import Papa from "papaparse";
import { parse } from "csv-parse/sync";
const text = fs.readFileSync("list.csv", "utf8");
const result = Papa.parse(text, { skipEmptyLines: true });
console.log("papaparse", result.data.length, "rows", result.errors.length, "errors", JSON.stringify(result.data[1]));
console.log("csv-parse", parse(text, { relax_column_count: true }).length, "rows");
JS
go mod init finding >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"encoding/csv"
	"fmt"
	"os"
)

func main() {
	f, _ := os.Open("list.csv")
	rows, err := csv.NewReader(f).ReadAll()
	fmt.Println("go       ", len(rows), "rows", err)
}
GO
got=$(node main.mjs && go run .)
want='papaparse 2 rows 0 errors ["+12025550123","Ann\n+12025550124","Bob\n"]
csv-parse 2 rows
go        3 rows <nil>'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
