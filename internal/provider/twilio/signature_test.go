package twilio

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

// vector is one published example of a signed request.
type vector struct {
	Name      string                     `json:"name"`
	Token     string                     `json:"auth_token"`
	URL       string                     `json:"url"`
	Form      map[string]json.RawMessage `json:"form"`
	RawBody   *string                    `json:"raw_body"`
	Signature string                     `json:"x_twilio_signature"`
}

// request is the vector as it would arrive.
func (v *vector) request(t *testing.T) (*http.Request, []byte) {
	t.Helper()
	body, kind := "", "application/x-www-form-urlencoded"
	if v.RawBody != nil {
		body, kind = *v.RawBody, "application/json"
	} else {
		form := url.Values{}
		for name, raw := range v.Form {
			var one string
			if json.Unmarshal(raw, &one) == nil {
				form.Add(name, one)
				continue
			}
			var many []string
			if err := json.Unmarshal(raw, &many); err != nil {
				t.Fatalf("vector %s: %v", v.Name, err)
			}
			form[name] = many
		}
		body = form.Encode()
	}
	r := httptest.NewRequest(http.MethodPost, v.URL, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set(SignatureHeader, v.Signature)
	return r, []byte(body)
}

func TestParseCallback_PublishedVectors(t *testing.T) {
	t.Parallel()
	raw := providertest.Contract(t, "signature-test-vectors.json")
	var file struct {
		Good []vector `json:"twilio"`
		Bad  []vector `json:"twilio_negative"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Good) < 9 || len(file.Bad) < 1 {
		t.Fatalf("%d good and %d bad vectors", len(file.Good), len(file.Bad))
	}
	for _, v := range file.Good {
		if err := v.check(t, v.URL); err != nil {
			t.Errorf("%s: refused: %v", v.Name, err)
		}
		forged := v
		forged.Token += "x"
		if forged.check(t, v.URL) == nil {
			t.Errorf("%s: another token's signature is taken", v.Name)
		}
	}
	for _, v := range file.Bad {
		if v.check(t, v.URL) == nil {
			t.Errorf("%s: taken", v.Name)
		}
	}
}

// check runs the vector through ParseCallback; nil when it counts as signed.
func (v *vector) check(t *testing.T, address string) error {
	t.Helper()
	r, body := v.request(t)
	ch := &dispatch.Channel{ID: 1, Kind: "sms", Secrets: map[string]string{"auth_token": v.Token}}
	_, err := New(nil).ParseCallback(ch, r, address, body)
	if errors.Is(err, provider.ErrBadSignature) {
		return err
	}
	return nil
}

// The vectors that no file is needed for: the classic one of Twilio's
// documentation, with what must and must not matter.
func TestVerify(t *testing.T) {
	t.Parallel()
	const address, token, good = "https://mycompany.com/myapp.php?foo=1&bar=2", "12345", "RSOYDt4T1cUTdK1PDd93/VVr8B8="
	form := func() url.Values {
		return url.Values{
			"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"},
		}
	}
	changed := func(change func(url.Values)) url.Values {
		f := form()
		change(f)
		return f
	}
	tests := []struct {
		name      string
		token     string
		address   string
		signature string
		form      url.Values
		want      bool
	}{
		{"as published", token, address, good, form(), true},
		{"port written here, not there", token, "https://mycompany.com:443/myapp.php?foo=1&bar=2", good, form(), true},
		{"port written there, not here", token, address, Sign(token, "https://mycompany.com:443/myapp.php?foo=1&bar=2", form()), form(), true},
		{"fragment is not signed", token, address + "#rc=5&rp=all", good, form(), true},
		{"value repeated", token, address, good, changed(func(f url.Values) { f.Add("Digits", "1234") }), true},
		{"other scheme", token, strings.Replace(address, "https", "http", 1), good, form(), false},
		{"other query", token, strings.Replace(address, "bar=2", "bar=3", 1), good, form(), false},
		{"field added", token, address, good, changed(func(f url.Values) { f.Set("MessageStatus", "read") }), false},
		{"field changed", token, address, good, changed(func(f url.Values) { f.Set("Digits", "1235") }), false},
		{"second value added", token, address, good, changed(func(f url.Values) { f.Add("Digits", "5678") }), false},
		{"field removed", token, address, good, changed(func(f url.Values) { f.Del("Digits") }), false},
		{"no signature", token, address, "", form(), false},
		{"no token is no key", "", address, Sign("", address, form()), form(), false},
		{"body that nothing covers", token, address, Sign(token, address, nil), nil, false},
	}
	for _, tt := range tests {
		if got := verify(tt.token, tt.address, tt.signature, tt.form, nil); got != tt.want {
			t.Errorf("%s: verify = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestWithAndWithoutPort(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"https://a.example/x":          {"https://a.example/x", "https://a.example:443/x"},
		"http://a.example":             {"http://a.example", "http://a.example:80"},
		"http://a.example:1234/x?y=:1": {"http://a.example:1234/x?y=:1", "http://a.example/x?y=:1"},
		"https://u:p@a.example?x":      {"https://u:p@a.example?x", "https://u:p@a.example:443?x"},
		"https://[::1]/x":              {"https://[::1]/x", "https://[::1]:443/x"},
		"https://[::1]:8443/x":         {"https://[::1]:8443/x", "https://[::1]/x"},
	}
	for in, want := range tests {
		if got := withAndWithoutPort(in); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("withAndWithoutPort(%q) = %q, want %q", in, got, want)
		}
	}
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
