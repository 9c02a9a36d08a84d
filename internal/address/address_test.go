package address

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
)

func TestNormal_IsWhatIsRequested(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://example.com":                     "https://example.com/",
		"https://Example.COM:443/A":               "https://example.com/A",
		"http://127.0.0.1:80":                     "http://127.0.0.1/",
		"https://example.com:8443/a?":             "https://example.com:8443/a",
		"https://example.com?a=1":                 "https://example.com/?a=1",
		"https://example.com/hook/{id}":           "https://example.com/hook/%7Bid%7D",
		"https://example.com/a b/é":               "https://example.com/a%20b/%C3%A9",
		"https://example.com/a%2Fb%20c":           "https://example.com/a%2Fb%20c",
		"https://example.com/x?q=olá mundo&t={x}": "https://example.com/x?q=ol%C3%A1%20mundo&t=%7Bx%7D",
		"https://example.com/x?q=a+b%20c":         "https://example.com/x?q=a+b%20c",
		"https://example.com/x#rc=3&rp=all":       "https://example.com/x",
		" https://bücher.example/ ":               "https://xn--bcher-kva.example/",
		"https://[::1]:8080/a":                    "https://[::1]:8080/a",
		"https://user:p%20w@example.com/a":        "https://user:p%20w@example.com/a",
	} {
		got, err := Normal(given)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", given, got, err, want)
			continue
		}
		if again, err := Normal(got); err != nil || again != got {
			t.Errorf("%s: again %q, %v", got, again, err)
		}
		if seen := requested(t, got); seen != strings.Replace(got, "user:p%20w@", "", 1) {
			t.Errorf("%s: the receiver sees %s", got, seen)
		}
	}
}

// requested returns the address that the receiver of a request sees.
func requested(t *testing.T, address string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wire strings.Builder
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire.String())))
	if err != nil {
		t.Fatal(err)
	}
	return r.URL.Scheme + "://" + got.Host + got.RequestURI
}

func TestNormal_Unwritable_IsRefused(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"", "example.com", "ftp://example.com/", "https://", "https:///a", "https:example.com", "https://exa mple.com/",
		"https://{host}/", "https://a..b/",
		"https://example.com:0/", "https://example.com:70000/", "https://example.com:x/", "https://example.com/%zz", "https://example.com/a\nb",
		"https://" + strings.Repeat("x", 64) + ".com/", "https://exa%20mple.com/",
	} {
		if got, err := Normal(given); err == nil {
			t.Errorf("%q: %q", given, got)
		}
	}
}
