package dialect_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/dialect"
)

func TestIsJSON(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]bool{
		"": true, "application/json": true, "Application/JSON": true, "application/json; charset=utf-8": true, "application/json;charset": true,
		"application/problem+json": true, "application/vnd.api+json; v=1": true,
		"application/jsonx": false, "application/json-seq": false, "application/x-ndjson": false, "text/json": false, "text/plain": false,
		"image/svg+json": false, "json": false, "application/json, text/plain": false, ";": false, "application/x-www-form-urlencoded": false,
	} {
		if got := dialect.IsJSON(contentType); got != want {
			t.Errorf("%q: got %v", contentType, got)
		}
	}
}
