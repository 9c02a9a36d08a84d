#!/usr/bin/env bash
# Packages: sigs.k8s.io/yaml v1.6.0, github.com/goccy/go-yaml v1.19.2, gopkg.in/yaml.v3 v3.0.1.
#
# Guess: a phone number without quotes is a number for YAML, so a Go field of type string either gets the characters as
# they stand, or the library refuses it.
#
# So it is not: with Kubernetes' library it becomes a number first and a text again, without an error. +44... loses its
# plus. A leading zero makes it octal, 0013105550123 is 1494667347. With a digit 8 or 9 in it, it is no octal, so it is
# a fraction, written back in single precision: 0447700900123 is "4.477009e+11" and half of the digits are gone. yaml.v3
# keeps every one of them as written, goccy some.
#
# Why it matters: a sender's or test recipient's number in values that a Kubernetes-style tool reads arrives as another
# number, or as none, and the same file is right in a program that reads it with yaml.v3. Quote phone numbers in YAML.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off
go mod init finding >/dev/null 2>&1
go get sigs.k8s.io/yaml@v1.6.0 github.com/goccy/go-yaml@v1.19.2 gopkg.in/yaml.v3@v3.0.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	goccy "github.com/goccy/go-yaml"
	"gopkg.in/yaml.v3"
	sigs "sigs.k8s.io/yaml"
)

type sender struct {
	From string `json:"from" yaml:"from"`
}

func main() {
	for _, number := range os.Args[1:] {
		doc := []byte("from: " + number)
		var a, b, c sender
		fmt.Print(number, ":")
		err := sigs.Unmarshal(doc, &a)
		fmt.Print(" sigs ", a.From, " ", err)
		err = goccy.Unmarshal(doc, &b)
		fmt.Print(", goccy ", b.From, " ", err)
		err = yaml.Unmarshal(doc, &c)
		fmt.Println(", yaml.v3", c.From, err)
	}
}
GO
got=$(go run . 447700900123 +447700900123 0447700900123 0013105550123)
want='447700900123: sigs 447700900123 <nil>, goccy 447700900123 <nil>, yaml.v3 447700900123 <nil>
+447700900123: sigs 447700900123 <nil>, goccy 447700900123 <nil>, yaml.v3 +447700900123 <nil>
0447700900123: sigs 4.477009e+11 <nil>, goccy 0447700900123 <nil>, yaml.v3 0447700900123 <nil>
0013105550123: sigs 1494667347 <nil>, goccy 1494667347 <nil>, yaml.v3 0013105550123 <nil>'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
