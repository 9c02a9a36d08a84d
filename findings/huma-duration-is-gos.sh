#!/usr/bin/env bash
# Packages: github.com/danielgtaylor/huma/v2 v2.37.2, npm ajv 8.17.1 with ajv-formats 3.0.1.
#
# Guess: format "duration" is JSON Schema's (2020-12, 7.3.1): ISO 8601, "PT1H". huma writes OpenAPI 3.1, whose schemas
# are JSON Schema 2020-12, and validates by the same words.
#
# So it is not: huma publishes "format: duration" and validates with Go's time.ParseDuration: "1h" passes, "PT1H" is
# refused. A validator that reads the published description decides the other way round on both.
#
# Why it matters: a client that checks with the API's own description can send no duration at all that the server takes.
# Name such a field ttl_seconds and make it a number.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/danielgtaylor/huma/v2@v2.37.2 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

type input struct {
	Body struct {
		TTL string `json:"ttl" format:"duration"`
	}
}

func main() {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("t", "1"))
	huma.Post(api, "/x", func(context.Context, *input) (*struct{}, error) { return nil, nil })
	for _, ttl := range []string{"1h", "PT1H"} {
		r := httptest.NewRequest("POST", "/x", strings.NewReader(`{"ttl":"`+ttl+`"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println("huma", ttl, w.Code)
	}
	for _, s := range api.OpenAPI().Components.Schemas.Map() {
		if ttl := s.Properties["ttl"]; ttl != nil {
			b, _ := json.Marshal(ttl)
			os.WriteFile("ttl.json", b, 0o600)
		}
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E ajv@8.17.1 ajv-formats@3.0.1
cat >main.cjs <<'JS'
const Ajv = require("ajv/dist/2020").default;
const ajv = new Ajv();
require("ajv-formats")(ajv);
const schema = require("./ttl.json");
console.log("published", JSON.stringify(schema));
for (const ttl of ["1h", "PT1H"]) console.log("ajv ", ttl, ajv.validate(schema, ttl));
JS
got=$(go run . && node main.cjs)
want='huma 1h 204
huma PT1H 422
published {"format":"duration","type":"string"}
ajv  1h false
ajv  PT1H true'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
