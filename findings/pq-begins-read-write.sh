#!/usr/bin/env bash
# Packages: github.com/lib/pq v1.12.3, github.com/jackc/pgx/v5 v5.7.6.
#
# Guess: db.BeginTx(ctx, nil) sends BEGIN, so that the server's default_transaction_read_only decides what it may do.
#
# So it is not with lib/pq: it sends BEGIN READ WRITE (READ ONLY when asked for), while pgx sends begin. db.Begin, without
# options, sends the same.
#
# Why it matters: a database or role that was set to be read-only is written to, and on a standby the BEGIN itself
# fails with "cannot set transaction read-write mode during recovery" (0A000, feature_not_supported), before any
# statement could fail with 25006, read_only_sql_transaction, for which a program that waits for a failover looks.
# The other end of this script is a few lines that answer as Postgres does and print what they are asked.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/lib/pq@v1.12.3 github.com/jackc/pgx/v5@v5.7.6 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
)

// message is one of the protocol: a type, and a length that counts itself.
func message(kind byte, body string) string {
	n := make([]byte, 4)
	binary.BigEndian.PutUint32(n, uint32(len(body)+4))
	return string(kind) + string(n) + body
}

// serve lets everybody in and answers every query as done.
func serve(c net.Conn, said chan<- string) {
	head := make([]byte, 4)
	read := func() []byte {
		if _, err := io.ReadFull(c, head); err != nil {
			return nil
		}
		b := make([]byte, binary.BigEndian.Uint32(head)-4)
		io.ReadFull(c, b)
		return b
	}
	read() // what it is started with
	ready := message('Z', "I")
	io.WriteString(c, message('R', "\x00\x00\x00\x00")+ready)
	for kind := make([]byte, 1); ; {
		if _, err := io.ReadFull(c, kind); err != nil || kind[0] != 'Q' {
			return
		}
		query := strings.TrimRight(string(read()), "\x00")
		said <- query
		io.WriteString(c, message('C', strings.ToUpper(strings.Fields(query)[0])+"\x00")+message('Z', "T"))
	}
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	said := make(chan string, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, said)
		}
	}()
	for _, driver := range []string{"postgres", "pgx"} {
		for _, o := range []struct {
			name string
			opts *sql.TxOptions
		}{{"nil", nil}, {"ReadOnly", &sql.TxOptions{ReadOnly: true}}} {
			db, err := sql.Open(driver, "postgres://u@"+l.Addr().String()+"/d?sslmode=disable")
			if err != nil {
				panic(err)
			}
			if _, err := db.BeginTx(context.Background(), o.opts); err != nil {
				panic(err)
			}
			fmt.Printf("%-8s %-8s %s\n", driver, o.name, strings.TrimSpace(<-said))
		}
	}
}
GO
got=$(go run .)
want='postgres nil      BEGIN READ WRITE
postgres ReadOnly BEGIN READ ONLY
pgx      nil      begin
pgx      ReadOnly begin read only'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
