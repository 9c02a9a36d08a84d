#!/usr/bin/env bash
# Packages: github.com/hibiken/asynq v0.26.0, github.com/alicebob/miniredis/v2 v2.40.0.
#
# Guess: Timeout(900ms) ends a task after 900 ms, or Enqueue refuses it, as it does a Unique lock of less than a second.
#
# So it is not: timeouts are kept in whole seconds, rounded down, and 0 means "not given". The handler of a task with
# Timeout(900ms) has half an hour, while the inspector says 0s; 1.9 s is one second. A Deadline is cut in the same way,
# so one that lies ahead, in the present second, is past: the handler is never called, and with MaxRetry(0) the task is
# archived at once with "context deadline exceeded".
#
# Why it matters: the shortest limit becomes the longest one, and a slow provider holds a worker's place for 30 minutes.
# Give asynq whole seconds, and set limits below a second inside the handler.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off
go mod init finding >/dev/null 2>&1
go get github.com/hibiken/asynq@v0.26.0 github.com/alicebob/miniredis/v2@v2.40.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
)

func main() {
	redis, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	defer redis.Close()
	address := asynq.RedisClientOpt{Addr: redis.Addr()}
	client, inspector := asynq.NewClient(address), asynq.NewInspector(address)

	called := make(chan time.Duration, 1)
	server := asynq.NewServer(address, asynq.Config{LogLevel: asynq.FatalLevel, TaskCheckInterval: 50 * time.Millisecond})
	_ = server.Start(asynq.HandlerFunc(func(ctx context.Context, _ *asynq.Task) error {
		until, _ := ctx.Deadline()
		called <- time.Until(until)
		return nil
	}))
	defer server.Shutdown()

	_, err = client.Enqueue(asynq.NewTask("t", nil), asynq.Unique(900*time.Millisecond))
	fmt.Println("unique 900ms:", err)
	for _, limit := range []time.Duration{900 * time.Millisecond, 1900 * time.Millisecond} {
		info, err := client.Enqueue(asynq.NewTask("t", nil), asynq.Timeout(limit))
		fmt.Printf("timeout %v: shown as %v, the handler has %v %v\n", limit, info.Timeout, (<-called).Round(time.Second), err)
	}

	for time.Now().Nanosecond() > 1e8 { // early in a second, so that the deadline is far enough
		time.Sleep(10 * time.Millisecond)
	}
	deadline := time.Now().Truncate(time.Second).Add(999 * time.Millisecond)
	info, _ := client.Enqueue(asynq.NewTask("t", nil), asynq.Deadline(deadline), asynq.MaxRetry(0), asynq.TaskID("d"))
	for info.State != asynq.TaskStateArchived && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
		if info, err = inspector.GetTaskInfo("default", "d"); err != nil {
			panic(err)
		}
	}
	fmt.Println("deadline ahead:", info.State, "early:", time.Now().Before(deadline), "called:", len(called), info.LastErr)
}
GO
got=$(go run .)
want='unique 900ms: Unique TTL cannot be less than 1s
timeout 900ms: shown as 0s, the handler has 30m0s <nil>
timeout 1.9s: shown as 1s, the handler has 1s <nil>
deadline ahead: archived early: true called: 0 context deadline exceeded'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
