package dispatch

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// ParsePhoneIn parses a phone number that may be written as people dial it in
// region (ISO 3166, such as "DE"), and returns it as E.164. A number with a
// plus sign or 00 in front is international whatever the region.
//
// Without a region every number is international, as in ParsePhone, except one
// that only a national form explains: it would become another country's number,
// so it is refused. Errors are those of ParsePhone.
func ParsePhoneIn(s, region string) (e164 string, err error) {
	lead := phoneLead(s)
	if lead == "+" || lead == "00" {
		return ParsePhone(s)
	}
	var buf [maxPhoneInput]byte
	digits, err := phoneDigits(s, buf[:0])
	switch {
	case err != nil:
		return "", err
	case region != "":
		return parseNational(string(digits), region)
	case lead == "(" || strings.HasPrefix(lead, "0"):
		return "", phoneError("it is a national number; write it with + and the country code, or set the default country")
	}
	return ParsePhone(s)
}

// phoneLead returns what a number begins with: "+", "(", or its first two digits.
func phoneLead(s string) string {
	lead := ""
	for _, r := range s {
		switch {
		case lead == "" && (r == '+' || r == '('):
			return string(r)
		case r >= '0' && r <= '9':
			if lead += string(r); len(lead) == 2 {
				return lead
			}
		}
	}
	return lead
}

// parseNational reads digits without any mark of their country. They may still
// begin with region's own calling code, which libphonenumber alone can't decide:
// for Germany it takes 4917... for the area code 04917 and not for a mobile
// number (nyaruka/phonenumbers v1.8.1). The reading that is a mobile number
// wins, then the one that is valid, then the national one.
func parseNational(digits, region string) (string, error) {
	code := strconv.Itoa(phonenumbers.GetCountryCodeForRegion(region))
	national, err := ParsePhone("+" + code + digits)
	if err != nil {
		national = parseByRegion(digits, region)
	}
	if strings.HasPrefix(digits, code) {
		international, _ := ParsePhone("+" + digits)
		if phoneRank(international) > phoneRank(national) {
			return international, nil
		}
	}
	if national == "" {
		return "", err
	}
	return national, nil
}

// parseByRegion leaves digits to libphonenumber, which also knows region's
// prefix for calls abroad and area codes that may be left out. It returns "" for
// what is no possible number.
func parseByRegion(digits, region string) string {
	number, err := phonenumbers.Parse(digits, region)
	if err != nil || !phonenumbers.IsPossibleNumber(number) {
		return ""
	}
	e164, err := ParsePhone(phonenumbers.Format(number, phonenumbers.E164))
	if err != nil {
		return ""
	}
	return e164
}

// phoneRank orders the readings of a number: 3 can receive messages, 2 is valid,
// 1 is possible, 0 is none.
func phoneRank(e164 string) int {
	digits := strings.TrimPrefix(e164, "+")
	code, plan := planOf([]byte(digits))
	if plan == nil {
		return 0
	}
	switch phonenumbers.GetNumberType(phoneNumber(code, digits[plan.codeLen:])) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return 3
	case phonenumbers.UNKNOWN:
		return 1
	default:
		return 2
	}
}

// What a suppression holds back.
const (
	ScopeAll       = "all"
	ScopeMarketing = "marketing"
)

// refusedMarketing is Meta's code for a person who takes no marketing messages.
const refusedMarketing = "131050"

// ScopeOfRefusal returns what a provider's refusal of a person holds back.
func ScopeOfRefusal(providerCode string) string {
	if providerCode == refusedMarketing {
		return ScopeMarketing
	}
	return ScopeAll
}

// userID is the form of a business-scoped user id: two letters of a country, a
// dot and digits ("DE.2000..."), with ENT in between for a parent business'.
var userID = regexp.MustCompile(`^[A-Z]{2}\.(ENT\.)?[0-9]{1,128}$`)

// IsUserID reports whether s is a business-scoped user id of WhatsApp.
func IsUserID(s string) bool {
	return len(s) > 3 && s[2] == '.' && userID.MatchString(s)
}

// IsPhone reports whether id, one of a person's, is a number in E.164 as
// ParsePhone returns it.
func IsPhone(id string) bool {
	e164, err := ParsePhone(id)
	return err == nil && e164 == id
}

// PersonID returns the id by which we know a person whom a provider names s: a
// number in E.164, a plus and the digits of a wa_id that is no number (+521...),
// or a user id. It returns "" for what names nobody, such as a short code.
func PersonID(s string) string {
	s = strings.TrimSpace(s)
	if IsUserID(s) {
		return s
	}
	if i := strings.IndexByte(s, ':'); i >= 0 { // whatsapp:, rcs:, tel:
		s = s[i+1:]
	}
	if e164, err := ParsePhone(s); err == nil {
		return e164
	}
	return waID(s)
}

// waID returns a plus and the digits of s if it can be a wa_id.
func waID(s string) string {
	digits := strings.TrimPrefix(s, "+")
	if len(digits) < 8 || len(digits) > 20 || strings.Trim(digits, "0123456789") != "" || digits[0] == '0' {
		return ""
	}
	return "+" + digits
}
