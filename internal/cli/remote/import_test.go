package remote

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/cli/console"
)

// An upload whose connection breaks goes on where the API has received it.
func TestImport_UploadsInPieces_Resumes_Reports(t *testing.T) {
	t.Parallel()
	var received []byte
	broken, query := false, ""
	var mu sync.Mutex // the client goes on while the handler of a broken connection ends
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		status := "uploading"
		switch {
		case r.URL.Path == "/v1/imports":
			query = r.URL.RawQuery
		case r.Method == http.MethodPut:
			if at, _ := strconv.Atoi(r.URL.Query().Get("offset")); at != len(received) {
				t.Errorf("offset %d after %d bytes", at, len(received))
			}
			body, _ := io.ReadAll(r.Body)
			if !broken {
				broken, received = true, append(received, body[:len(body)/2]...)
				panic(http.ErrAbortHandler)
			}
			received = append(received, body...)
		case strings.HasSuffix(r.URL.Path, "/finish"):
			status = "done"
		}
		_, _ = io.WriteString(w, `{"id":7,"status":"`+status+`","received":`+strconv.Itoa(len(received))+`,"lines":3,"created":2,"bad":1}`)
	}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "people.csv")
	want := bytes.Repeat([]byte("+15550000100\n"), pieceSize/10)
	if err := os.WriteFile(file, want, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	key := clitest.KeyFile(t, auth.Generate(false))
	c := &Import{Flags: Flags{URL: srv.URL, KeyFile: key}, File: file, Kind: "contacts", List: 3, Map: []string{"a:phone"}}
	if err := c.Run(&console.Env{Ctx: t.Context(), Stdout: &out, Stderr: &errOut}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(received, want) || query != "kind=contacts&list=3&map=a%3Aphone" {
		t.Errorf("%d bytes of %d, query %s", len(received), len(want), query)
	}
	got := out.String()
	if !strings.HasPrefix(got, "import 7 done: 3 lines = 2 created + 0 updated") || !strings.Contains(got, "/v1/imports/7/errors.csv") {
		t.Errorf("report: %s", got)
	}
}

// A key's limit that is used up on the way delays an import, and ends no command.
func TestImport_LimitUsedUp_GoesOn(t *testing.T) {
	t.Parallel()
	limited := map[string]bool{}
	var calls []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost && !limited[r.Method] {
			limited[r.Method] = true
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"detail":"60 a minute are allowed","code":"rate_limited"}`)
			return
		}
		calls = append(calls, r.Method)
		status := "running"
		if r.Method == http.MethodGet {
			status = "done"
		}
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"id":7,"status":"`+status+`","received":`+strconv.FormatInt(n, 10)+`}`)
	}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte("+15550000100\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := &Import{Flags: Flags{URL: srv.URL, KeyFile: clitest.KeyFile(t, auth.Generate(false))}, File: file, Kind: "contacts"}
	err := c.Run(&console.Env{Ctx: t.Context(), Stdout: &out, Stderr: io.Discard})
	if want := "POST PUT POST GET"; err != nil || strings.Join(calls, " ") != want || !limited["PUT"] || !limited["GET"] {
		t.Errorf("%v: calls %s, want %s; printed %s", err, calls, want, &out)
	}
}
