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
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
