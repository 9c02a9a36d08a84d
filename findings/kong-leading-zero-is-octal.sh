#!/usr/bin/env bash
# Package: github.com/alecthomas/kong v1.17.0.
#
# Guess: --rate 010 is ten, as strconv.Atoi, YAML 1.2 and a person read it; and a negative number may stand behind its
# flag, as "-5" can't be a flag when there is none of that name.
#
# So it is not: kong reads numbers as Go's source does: 010 is EIGHT, 0x10 is 16, 1_000 is 1000, from flags and from
# environment variables alike; 08 and 09 are errors. And "--offset -5" is refused ("short flag"); only --offset=-5 works.
#
# Why it matters: numbers that scripts pad with zeros (an hour from "date +%H", a limit from a spreadsheet) become other
# numbers below 08, and errors at 08 and 09 o'clock. Strip the zeros in the script, and write flags with "=".
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/alecthomas/kong@v1.17.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

type options struct {
	Rate   int `env:"RATE"`
	Offset int
}

func main() {
	try := func(args ...string) {
		var o options
		p, _ := kong.New(&o)
		_, err := p.Parse(args)
		fmt.Println(args, "rate", o.Rate, "offset", o.Offset, err)
	}
	for _, n := range []string{"10", "010", "0x10", "1_000", "08"} {
		try("--rate", n)
	}
	os.Setenv("RATE", "010")
	try("--offset=-5")
	try("--offset", "-5")
}
GO
got=$(go run .)
want='[--rate 10] rate 10 offset 0 <nil>
[--rate 010] rate 8 offset 0 <nil>
[--rate 0x10] rate 16 offset 0 <nil>
[--rate 1_000] rate 1000 offset 0 <nil>
[--rate 08] rate 0 offset 0 --rate: expected a valid 64 bit int but got "08"
[--offset=-5] rate 8 offset -5 <nil>
[--offset -5] rate 0 offset 0 --offset: expected int value but got "-5" (short flag); perhaps try --offset="-5"?'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
