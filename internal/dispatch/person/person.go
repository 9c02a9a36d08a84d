// Package person parses the ids of a person: a phone number, a wa_id or a
// business-scoped user id.
package person

import (
	"regexp"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

// userID is the form of a business-scoped user id: two letters of a country, a
// dot and digits ("DE.2000..."), with ENT in between for a parent business'.
var userID = regexp.MustCompile(`^[A-Z]{2}\.(ENT\.)?[0-9]{1,128}$`)

// IsUserID reports whether s is a business-scoped user id of WhatsApp.
func IsUserID(s string) bool {
	return len(s) > 3 && s[2] == '.' && userID.MatchString(s)
}

// IsPhone reports whether id, one of a person's, is a number in E.164 as
// phone.Parse returns it.
func IsPhone(id string) bool {
	e164, err := phone.Parse(id)
	return err == nil && e164 == id
}

// Country returns the ISO 3166 region of an id of a person, or "" if it has none.
func Country(id string) string {
	if IsUserID(id) {
		return id[:2]
	}
	return phone.Country(id)
}

// ID returns the id by which we know a person whom a provider names s: a
// number in E.164, a plus and the digits of a wa_id that is no number (+521...),
// or a user id. It returns "" for what names nobody, such as a short code.
func ID(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.IndexByte(s, ':'); i >= 0 { // whatsapp:, rcs:, tel:
		s = strings.TrimSpace(s[i+1:])
	}
	if IsUserID(s) {
		return s
	}
	if e164, err := phone.Parse(s); err == nil {
		return e164
	}
	return waID(s)
}

// Recipient returns the id of a person whom s names as the recipient of a message: a
// number, which may be national in region, or an id by which, as known reports, a
// provider has named somebody (some, as +521..., are no numbers). Errors are those
// of phone.ParseIn and of known.
func Recipient(s, region string, known func(id string) (bool, error)) (string, error) {
	e164, err := phone.ParseIn(s, region)
	if err == nil {
		return e164, nil
	}
	id := ID(s)
	if id == "" {
		return "", err
	}
	if ok, lookErr := known(id); ok || lookErr != nil {
		return id, lookErr
	}
	return "", err
}

// ParseQuery returns the id of a person that a value of a URL's query names: a
// number as phone.ParseQuery reads it, a wa_id or a user id.
func ParseQuery(q, region string) (string, error) {
	e164, err := phone.ParseQuery(q, region)
	if id := ID(q); err != nil && id != "" {
		return id, nil
	}
	return e164, err
}

// WaID returns the wa_id of a person whom WhatsApp names s, which is digits, or
// "" if s names nobody or is a user id.
func WaID(s string) string {
	if digits := strings.TrimPrefix(waID(s), "+"); digits != "" {
		return digits
	}
	if id := ID(s); !IsUserID(id) {
		return strings.TrimPrefix(id, "+")
	}
	return ""
}

// waID returns a plus and the digits of s if it can be a wa_id.
func waID(s string) string {
	digits := strings.TrimPrefix(s, "+")
	if len(digits) < 8 || len(digits) > 20 || strings.Trim(digits, "0123456789") != "" || digits[0] == '0' {
		return ""
	}
	return "+" + digits
}
