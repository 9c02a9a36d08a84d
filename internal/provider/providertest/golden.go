package providertest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// Request is a message whose request is compared with testdata/Name.request.
type Request struct {
	Name    string
	Channel func(baseURL string) *dispatch.Channel // default: the case's
	Message *dispatch.Message
}

// testRequests compares what goes over the wire with the golden files: method,
// path, the headers that matter, and the body in a canonical form.
func testRequests(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	for _, r := range c.Requests {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			var got string
			s := serve(t, func(w http.ResponseWriter, req *http.Request) {
				got = dump(req)
				reply(c.Accepted)(w, req)
			})
			channel := r.Channel
			if channel == nil {
				channel = c.Channel
			}
			ch := channel(s.URL)
			if _, err := p.Send(t.Context(), ch, r.Message); err != nil {
				t.Fatal(err)
			}
			got = strings.ReplaceAll(got, s.URL, "http://provider.test")
			for name, secret := range ch.Secrets {
				got = strings.ReplaceAll(got, secret, "<"+name+">")
			}
			Golden(t, filepath.Join("testdata", r.Name+".request"), got)
		})
	}
}

// dump writes a request in a form that people can compare.
func dump(r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL.RequestURI())
	var names []string
	for k := range r.Header {
		switch k {
		case "Content-Length", "User-Agent", "Accept-Encoding":
		default:
			names = append(names, k)
		}
	}
	sort.Strings(names)
	for _, k := range names {
		fmt.Fprintf(&b, "%s: %s\n", k, strings.Join(r.Header[k], ", "))
	}
	body, _ := io.ReadAll(r.Body)
	b.WriteString("\n" + canonical(r.Header.Get("Content-Type"), body) + "\n")
	return b.String()
}

// canonical indents JSON and puts a form on lines.
func canonical(contentType string, body []byte) string {
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(body)); err == nil {
			var lines []string
			for k, vs := range form {
				for _, v := range vs {
					lines = append(lines, k+"="+v)
				}
			}
			sort.Strings(lines)
			return strings.Join(lines, "\n")
		}
	}
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") == nil {
		return out.String()
	}
	return string(body)
}

// Golden compares got with a file, or writes the file under -update.
func Golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n--- got\n%s\n--- want\n%s", file, got, want)
	}
}

// Contract reads one of the vendors' contract files, which lie beside the
// project and not in it. Without them the test is skipped with a message.
func Contract(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the module's root isn't above the test")
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "..", "shared", "contracts", name))
	if err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: the contract file %s is not beside the project", name)
	}
	return b
}
