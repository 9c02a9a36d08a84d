package phone

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// mark is how a number shows whether it begins with a calling code.
type mark int

const (
	unmarked      mark = iota // digits alone
	international             // a plus sign or 00
	national                  // brackets or a 0 in front, or the form of North America
)

// read appends the digits of s to dst, calling code first, without the 00.
func read(s string, dst []byte) (digits []byte, m mark, err error) {
	if len(s) > maxInput {
		return nil, m, refusal("it is too long to be one")
	}
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			dst = append(dst, byte(r))
		case (r == '+' || r == '＋') && m != international && len(dst) == 0:
			m = international
		case (r == '(' || r == '（') && len(dst) == 0 && m == unmarked:
			m = national
		case ignored(r):
		case unicode.IsDigit(r):
			dst = append(dst, '0'+digitOf(r))
		case unicode.IsLetter(r):
			if len(dst) == 0 && m == unmarked && len(s) > i+4 && strings.EqualFold(s[i:i+4], "tel:") {
				return readURI(s[i+4:], dst)
			}
			return nil, m, refusal("letters and extensions can't be sent to")
		default:
			return nil, m, refusal("unexpected character " + strconv.QuoteRune(r))
		}
	}
	return marked(s, dst, m)
}

// marked completes what the characters of s alone do not show.
func marked(s string, digits []byte, m mark) ([]byte, mark, error) {
	switch {
	case len(digits) == 0:
		return nil, m, refusal("it has no digits")
	case len(digits) > maxDigits:
		return nil, m, refusal("it is too long to be one")
	case m == international || digits[0] != '0':
	case len(digits) > 2 && digits[1] == '0': // the international prefix in most of the world
		return digits[2:], international, nil
	default:
		return digits, national, nil
	}
	if m == unmarked && len(digits) == 10 && len(s) > 10 && americanForm(s, digits) {
		m = national
	}
	return digits, m, nil
}

// ignored reports whether libphonenumber reads over r: spaces, dashes, slashes,
// dots, brackets, tildes and invisible marks.
func ignored(r rune) bool {
	if r < 0x80 {
		return strings.ContainsRune(" -.()/[]~\t\n\v\f\r", r)
	}
	return unicode.In(r, unicode.Pd, unicode.Cf, unicode.White_Space) || strings.ContainsRune("−ー（）［］．／⁓∼～", r)
}

// digitOf returns the value of a decimal digit of another script: Unicode has
// them in rows from zero to nine.
func digitOf(r rune) byte {
	for _, row := range unicode.Nd.R16 {
		if r >= rune(row.Lo) && r <= rune(row.Hi) {
			return byte((r - rune(row.Lo)) % 10)
		}
	}
	for _, row := range unicode.Nd.R32 {
		if r >= rune(row.Lo) && r <= rune(row.Hi) {
			return byte((r - rune(row.Lo)) % 10)
		}
	}
	return 0
}

// readURI reads what follows tel: in a URI (RFC 3966). A local number may have
// its calling code in phone-context.
func readURI(s string, dst []byte) (digits []byte, m mark, err error) {
	number, parameters, _ := strings.Cut(s, ";")
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		switch {
		case strings.EqualFold(name, "ext"):
			return nil, m, refusal("letters and extensions can't be sent to")
		case strings.EqualFold(name, "phone-context") && strings.HasPrefix(value, "+") && !strings.Contains(number, "+"):
			number = value + number
		}
	}
	return read(number, dst)
}

// american is how numbers are written in North America, where no country code
// comes first: (202) 555-0100.
var american = regexp.MustCompile(`^\D*[2-9]\d\d\D+[2-9]\d\d\D+\d{4}\D*$`)

// americanForm reports whether ten digits are written as in North America, and
// their first three are no calling code: 354 555 0100 may be Iceland's.
func americanForm(s string, digits []byte) bool {
	_, plan := planOf(digits)
	return (plan == nil || plan.codeLen != 3) && american.MatchString(s)
}

// RepeatsCode reports whether a number that is given beside its calling code
// begins with a calling code itself: with a plus sign or 00, or with code's
// digits where the number is read better without them. It is a matter of the
// plan: 39 393 123 4567 is one Italian mobile number, 91 91 98765 43210 one
// Indian number too long.
func RepeatsCode(code, number string) bool {
	var buf [maxDigits]byte
	digits, m, err := read(number, buf[:0])
	switch {
	case err != nil:
		return false
	case m == international:
		return true
	case code == "" || !strings.HasPrefix(string(digits), code):
		return false
	}
	return rank(string(digits)) > rank(code+string(digits))
}

// ParseQuery is ParseIn for a value of a URL's query, in front of which an
// unescaped plus sign has become a space.
func ParseQuery(q, region string) (e164 string, err error) {
	if strings.HasPrefix(q, " ") {
		q = "+" + strings.TrimSpace(q)
	}
	return ParseIn(q, region)
}

// National is the Reason of a refusal of a number in national form.
const National = "national_number"

// errNational returns the refusal of a number without its country.
func errNational() *dispatch.Error {
	e := refusal("it is a national number; write it with + and the country code, or set the default country (default_region)")
	e.Reason = National
	return e
}
