package config

import (
	"strings"
	"testing"
)

func TestHostPort_UnmarshalText(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"": true, "127.0.0.1:8080": true, ":8080": true, "[::1]:0": true, "localhost:http": true,
		"zz": false, "127.0.0.1": false, "::1:80": false, "127.0.0.1:65536": false, "127.0.0.1:x y": false, "http://127.0.0.1:80": false,
	} {
		a := HostPort("before")
		err := a.UnmarshalText([]byte(text))
		if ok && (err != nil || string(a) != text) {
			t.Errorf("%q: %q, %v", text, a, err)
		}
		if !ok && (err == nil || !strings.Contains(err.Error(), "127.0.0.1:8080")) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
