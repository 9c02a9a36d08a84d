#!/usr/bin/env bash
# Package: github.com/oapi-codegen/oapi-codegen/v2 v2.8.2 (uses github.com/oapi-codegen/runtime in what it makes).
#
# Guess: parameters are told apart by their names, so two with different names become two fields. Where a name is not
# fit for Go, a generator makes one that is, and adds something when two would be the same (this one does for types).
#
# So it is not: "DateSent<" and "DateSent>", the range filters of Twilio's list of messages, both become the field
# DateSent, and the generator exits with 0. What it wrote is formatted Go that does not compile: "DateSent redeclared".
#
# Why it matters: an API that copies Twilio's parameters can't have a Go client made from its description as it is; a
# build that only runs the generator, or only checks that its output is current, stays green. Give such parameters an
# x-go-name, and compile what was generated.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

cat >api.yaml <<'YAML'
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /messages:
    get:
      operationId: list
      parameters:
        - {name: "DateSent<", in: query, schema: {type: string, format: date}}
        - {name: "DateSent>", in: query, schema: {type: string, format: date}}
      responses: {"200": {description: ok}}
YAML
go mod init finding >/dev/null 2>&1
go get -tool github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 >/dev/null 2>&1
go tool oapi-codegen -generate models -package main -o api.gen.go api.yaml
fields=$(grep -oE 'DateSent +\*\S+ +`form:"DateSent[<>]' api.gen.go | tr -s ' ')
go get github.com/oapi-codegen/runtime@v1.1.2 >/dev/null 2>&1
built=$(go vet . 2>&1 | grep -o 'DateSent redeclared' | head -1 || true)
got="$fields
$built"
want='DateSent *openapi_types.Date `form:"DateSent<
DateSent *openapi_types.Date `form:"DateSent>
DateSent redeclared'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
