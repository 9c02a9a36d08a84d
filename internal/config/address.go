package config

import "strings"

// SlashAdvice explains the most frequent mistake in an address with a password:
// two in five passwords of base64 hold a slash.
const SlashAdvice = `a "/" in the user or the password must be written as %2F (and "@" as %40, "?" as %3F, "#" as %23)`

// UnescapedSlash reports whether the user or the password of the address holds a
// slash that ends the host for every parser of URLs.
func UnescapedSlash(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, found := strings.Cut(rest, "/")
	return found && strings.Contains(path, "@") && !strings.HasPrefix(rest, "/")
}
