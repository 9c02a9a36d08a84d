package phone

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// ParseIn parses a phone number that may be written as people dial it in
// region (ISO 3166, such as "DE"), and returns it as E.164. A number with a
// plus sign or 00 in front is international whatever the region.
//
// Without a region every number is international, as in Parse, except one
// that only a national form explains: it would become another country's number,
// so it is refused. Errors are those of Parse.
func ParseIn(s, region string) (e164 string, err error) {
	var buf [maxDigits]byte
	digits, m, err := read(s, buf[:0])
	switch {
	case err != nil:
		return "", err
	case m == international:
		return parse(digits)
	case region != "":
		return parseNational(string(digits), region)
	case m == national:
		return "", errNational()
	}
	return parse(digits)
}

// parseNational reads digits without any mark of their country. They may still
// begin with region's own calling code, which libphonenumber alone can't decide:
// for Germany it takes 4917... for the area code 04917 and not for a mobile
// number (nyaruka/phonenumbers v1.8.1). The reading that is a mobile number
// wins, then the one that is valid, then the national one.
func parseNational(digits, region string) (string, error) {
	code := strconv.Itoa(phonenumbers.GetCountryCodeForRegion(region))
	national, err := parse([]byte(code + digits))
	if err != nil {
		national = parseByRegion(digits, region)
	}
	if strings.HasPrefix(digits, code) {
		abroad, _ := parse([]byte(digits))
		if rank(strings.TrimPrefix(abroad, "+")) > rank(strings.TrimPrefix(national, "+")) {
			return abroad, nil
		}
	}
	if national == "" {
		return "", err
	}
	return national, nil
}

// parseByRegion leaves digits to libphonenumber, which also has region's
// prefix for calls abroad and area codes that may be left out. It returns "" for
// what is no possible number.
func parseByRegion(digits, region string) string {
	number, err := phonenumbers.Parse(digits, region)
	if err != nil || !phonenumbers.IsPossibleNumber(number) {
		return ""
	}
	e164, err := Parse(phonenumbers.Format(number, phonenumbers.E164))
	if err != nil {
		return ""
	}
	return e164
}

// rank orders the readings of a number, digits of the calling code first: 3 can
// receive messages, 2 is valid, 1 is possible, 0 is none.
func rank(digits string) int {
	code, plan := planOf([]byte(digits))
	if plan == nil {
		return 0
	}
	national := digits[plan.codeLen:]
	if len(national) > 17 || plan.lengths&(1<<len(national)) == 0 {
		return 0
	}
	switch phonenumbers.GetNumberType(numberOf(code, national)) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return 3
	case phonenumbers.UNKNOWN:
		return 1
	default:
		return 2
	}
}
