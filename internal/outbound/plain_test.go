package outbound

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// usual is an answer as Meta's edge writes it.
const usual = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nVary: Origin, Accept-Encoding\r\n" +
	"x-fb-request-id: A1b2C3\r\nx-fb-trace-id: Cx1\r\nfacebook-api-version: v25.0\r\n" +
	"Strict-Transport-Security: max-age=15552000; preload\r\n" +
	"Cache-Control: private, no-cache, no-store, must-revalidate\r\nx-app-usage: {\"call_count\":0,\"total_cputime\":0,\"total_time\":0}\r\n" +
	"Date: Mon, 30 Nov 2026 09:00:00 GMT\r\nConnection: keep-alive\r\nContent-Length: 43\r\n\r\n" +
	`{"messages":[{"id":"wamid.0123456789abcd"}]}`

func TestPlainHead_WhatItReadsAndLeaves(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{
		usual: true,
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":                                     true,
		"HTTP/1.1 404 Not Found\r\ncontent-length:2\r\nX:\r\n\r\nok":                       true,
		"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n":                                       true,
		"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n":                                        false,
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n":                                     false,
		"HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\n":                            false,
		"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n":                             false,
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n":                           false,
		"HTTP/1.1 200 OK\r\n\r\n":                                                          false,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n":                false,
		"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n":                                    false,
		"HTTP/1.1 200 OK\r\nContent-Length: 1234567\r\n\r\n":                               false,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n":       false,
		"HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\nContent-Length: 2\r\n\r\n":      false,
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n":                false,
		"HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\n":    false,
		"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n":                                    false,
		"HTTP/1.1 200 OK\r\n Content-Length: 2\r\n\r\n":                                    false,
		"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n":                       false,
		"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\n":                                       false,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\n\n":                                         false,
		"HTTP/1.1 200 OK\r\nX: \x00\r\nContent-Length: 2\r\n\r\n":                          false,
		"HTTP/1.1 200 OK\r\nX: a\rTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n": false,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n":                                         false,
		"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\n":                         false,
		"": false, "HTTP/1.1 ": false, "HTTP/1.1 2xx OK\r\nContent-Length: 2\r\n\r\n": false,
	} {
		if _, _, _, ok := plainHead([]byte(answer)); ok != want {
			t.Errorf("%q: %v", answer, ok)
		}
	}
}

// What is read as plain is what net/http reads: status, header, body and where the next
// answer would begin.
func FuzzPlainHead_AsNetHTTP(f *testing.F) {
	f.Add([]byte(usual))
	f.Add([]byte("HTTP/1.1 404 Not Found\r\ncontent-length:2\r\nX:\r\nX: 2\r\nPragma: no-cache\r\nTrailer: X\r\n\r\nok more"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 000003\r\n\r\nabc"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"))
	f.Fuzz(func(t *testing.T, came []byte) {
		status, head, length, ok := plainHead(came)
		if !ok || head+length > len(came) {
			return
		}
		br := bufio.NewReaderSize(bytes.NewReader(came), len(came)+16)
		want, err := http.ReadResponse(br, &http.Request{Method: http.MethodPost})
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", came, err)
		}
		body, err := io.ReadAll(want.Body)
		if err != nil || want.StatusCode != status || want.Close || !bytes.Equal(body, came[head:head+length]) {
			t.Errorf("%q: %d %q, %v, close %v", came, want.StatusCode, body, err, want.Close)
		}
		if br.Buffered() != len(came)-head-length {
			t.Errorf("%q: net/http leaves %d bytes, not %d", came, br.Buffered(), len(came)-head-length)
		}
		if diff := cmp.Diff(want.Header, (Response{head: came[:head]}).Header()); diff != "" {
			t.Errorf("%q: header %s", came, diff)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	src := strings.NewReader(usual)
	r := &http.Request{Method: http.MethodPost}
	c := &conn{br: bufio.NewReader(src)}
	for name, read := range map[string]func() int{
		"net/http": func() int {
			answer, err := http.ReadResponse(c.br, r)
			if err != nil {
				return 0
			}
			body, _ := readLimited(answer, MaxBody)
			return len(body)
		},
		"plain": func() int {
			res, _ := c.readPlain(r, MaxBody)
			return len(res.Body)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				src.Reset(usual)
				c.br.Reset(src)
				if n := read(); n != 43 {
					b.Fatal(n)
				}
			}
		})
	}
}
