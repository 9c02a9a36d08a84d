#!/usr/bin/env bash
# Packages: github.com/oapi-codegen/oapi-codegen/v2 v2.8.2.
#
# Guess: of an OpenAPI 3.1 document, either "webhooks" are left out with everything that only they use, or they are
# generated together with it.
#
# So it is not: the generator makes types for the bodies of webhooks, but prunes the component schemas that only webhooks
# refer to. The generated package does not compile: "undefined: Event". With the option skip-prune it does.
#
# Why it matters: a description that is valid and whole breaks every Go client. Write the schemas of webhooks inline, or
# tell the users of oapi-codegen to set skip-prune.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get -tool github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 >/dev/null 2>&1
cat >spec.yaml <<'Y'
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /x:
    get: {operationId: getX, responses: {"204": {description: none}}}
webhooks:
  happened:
    post:
      operationId: happened
      requestBody:
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Event"}
      responses: {"204": {description: taken}}
components:
  schemas:
    Event: {type: object, properties: {id: {type: string}}}
Y
for prune in false true; do
  printf 'package: api\ngenerate: {models: true, client: true}\noutput: %s/api.go\noutput-options: {skip-prune: %s}\n' "with$prune" "$prune" >config.yaml
  mkdir -p "with$prune"
  go tool oapi-codegen -config config.yaml spec.yaml
done
go get github.com/oapi-codegen/runtime@v1.9.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1 || true
pruned=$(go build ./withfalse 2>&1 || true)
kept=$(go build ./withtrue 2>&1 || true)
echo "as it is:   ${pruned:-compiles}"
echo "skip-prune: ${kept:-compiles}"
grep -q 'undefined: Event' <<<"$pruned" && [ -z "$kept" ] || { echo "the behaviour has changed"; exit 1; }
