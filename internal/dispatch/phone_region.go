package dispatch

import (
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
