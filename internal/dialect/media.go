package dialect

import (
	"errors"
	"mime"
	"strings"
)

// IsJSON reports whether a body with this Content-Type is read as JSON:
// application/json, application/*+json (RFC 6839), or none. Parameters are
// ignored, even malformed ones.
func IsJSON(contentType string) bool {
	if contentType == "" || contentType == "application/json" {
		return true
	}
	mt, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return false
	}
	return mt == "application/json" || strings.HasPrefix(mt, "application/") && strings.HasSuffix(mt, "+json")
}
