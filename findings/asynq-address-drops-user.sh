#!/usr/bin/env bash
# Packages: github.com/hibiken/asynq v0.26.0, github.com/redis/go-redis/v9 v9.14.1.
#
# Guess: asynq is built on go-redis, so one Redis address means the same to asynq.ParseRedisURI and redis.ParseURL.
#
# So it is not: asynq drops the USER of redis://app:secret@host (it logs in as "default" with that password), ignores
# ?db=4, and refuses a slash at the end, each of which go-redis takes as it is written. Nothing tells of the first two.
#
# Why it matters: with Redis' access lists the worker is refused ("WRONGPASS") or, where both users have one password,
# gets the rights of another user; and with ?db=4 a client and a worker of one program sit in two databases, so tasks
# wait for ever. Parse the address with go-redis and hand asynq a finished client (NewClientFromRedisClient).
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/hibiken/asynq@v0.26.0 github.com/redis/go-redis/v9@v9.14.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

func main() {
	for _, address := range []string{"redis://app:secret@localhost:6379/2", "redis://localhost:6379?db=4", "redis://localhost:6379/"} {
		o, err := redis.ParseURL(address)
		fmt.Printf("go-redis user %q db %d %v\n", o.Username, o.DB, err)
		opt, err := asynq.ParseRedisURI(address)
		if err != nil {
			fmt.Println("asynq   ", err)
			continue
		}
		a := opt.(asynq.RedisClientOpt)
		fmt.Printf("asynq    user %q db %d\n", a.Username, a.DB)
	}
}
GO
got=$(go run .)
want='go-redis user "app" db 2 <nil>
asynq    user "" db 2
go-redis user "" db 4 <nil>
asynq    user "" db 0
go-redis user "" db 0 <nil>
asynq    asynq: could not parse redis uri: database number should be the first segment of the path'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
