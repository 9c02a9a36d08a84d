#!/usr/bin/env bash
# Package: github.com/alicebob/miniredis/v2 v2.40.0 (with github.com/redis/go-redis/v9 v9.14.1 to call it).
#
# Guess: a stand-in for Redis runs scripts as Redis does; its Lua is another program's, so messages of errors may differ,
# but numbers become text in the same way: in Redis 7.0.15 with 14 digits, as in Lua 5.1 ("%.14g").
#
# So it is not. Redis turns 1e15 into "1e+15", so a time in microseconds that goes through tostring, .. or redis.call
# loses its last digits; miniredis keeps all of them. tonumber("1e15"), which reads such a text again, is nil in
# miniredis. cjson.encode of an empty table is "{}" in Redis and "[]" here; bit, struct and cmsgpack do not exist.
#
# Why it matters: a limiter's script that is right with the stand-in forgets microseconds in production, and one that
# Redis runs well fails in the tests. Format with string.format("%.0f", n), and run each script on a real Redis too.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/alicebob/miniredis/v2@v2.40.0 github.com/redis/go-redis/v9@v9.14.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func main() {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	for _, script := range []string{
		"return tostring(1e15)",
		"return tostring(1795915000123456)",
		"return tostring(tonumber('1e15'))",
		"return string.format('%.0f', 1795915000123456)",
		"return cjson.encode({})",
		"return tostring(pcall(function() return bit.band(7, 3) end))",
	} {
		v, err := client.Eval(context.Background(), script, nil).Result()
		fmt.Println(script, "->", v, err)
	}
}
GO
got=$(go run .)
want='return tostring(1e15) -> 1000000000000000 <nil>
return tostring(1795915000123456) -> 1795915000123456 <nil>
return tostring(tonumber('"'1e15'"')) -> nil <nil>
return string.format('"'%.0f'"', 1795915000123456) -> 1795915000123456 <nil>
return cjson.encode({}) -> [] <nil>
return tostring(pcall(function() return bit.band(7, 3) end)) -> false <nil>'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
