package logs

import (
	"log/slog"
	"regexp"
)

// numberText finds what may be a person's number in a text: 8 to 15 digits in a
// row (E.164), not as a part of an id.
var numberText = regexp.MustCompile(`(^|[^0-9A-Za-z._-])(\+?)[0-9]{4,11}([0-9]{4})($|[^0-9A-Za-z_-])`)

// Mask is a ReplaceAttr of slog's handlers: errors often hold the text of a
// provider, which may name the recipient. All but the last four digits of numbers
// are replaced.
func Mask(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok {
		a.Value = slog.StringValue(maskNumbers(err.Error()))
	}
	return a
}

// maskNumbers returns s with all but the last four digits of numbers replaced.
func maskNumbers(s string) string {
	for range 2 { // what stands between two numbers belongs to one match only
		s = numberText.ReplaceAllString(s, "$1$2…$3$4")
	}
	return s
}
