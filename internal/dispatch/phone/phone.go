// Package phone parses phone numbers.
package phone

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// maxInput is the longest input that is parsed, in bytes, as in libphonenumber.
const maxInput = 250

// maxDigits is more than any number has.
const maxDigits = 64

// Parse parses a phone number in international form and returns it as E.164. The
// plus sign may be missing or written as 00; spaces, dashes, slashes, dots,
// brackets and invisible marks are ignored; digits may be of any script, and
// tel: may stand in front (RFC 3966); letters and extensions are refused. A
// number is accepted if libphonenumber considers it possible: whether it is also
// valid changes with every numbering plan, so an old copy of the plan must not
// refuse it. A number without its area code is too short, since it cannot be
// dialled from abroad. One that only a national form explains would become
// another country's number, so it is refused; see ParseIn.
//
// The error is a *dispatch.Error about "/to"; its Msg is the reason.
func Parse(s string) (e164 string, err error) { return ParseIn(s, "") }

// parse parses the digits of an international number.
func parse(digits []byte) (e164 string, err error) {
	if e164, ok := parseFast(digits); ok {
		return e164, nil
	}
	return parseFull(digits)
}

// refusal returns the refusal of a number.
func refusal(reason string) *dispatch.Error {
	return dispatch.InvalidField("/to", "not a phone number: %s", reason)
}

// parseFull parses with libphonenumber, which also strips a national
// prefix ("+44 (0)20 ...") and finds the reason of a refusal. It takes 25 to
// 110 µs, so most numbers are parsed by parseFast. It strips one prefix
// per call and is repeated until the result is stable: a stored number must
// parse as itself.
func parseFull(digits []byte) (string, error) {
	for range 4 {
		e164, err := parseOnce(digits)
		if err != nil || e164[1:] == string(digits) {
			return e164, err
		}
		digits = []byte(e164[1:])
	}
	return "", refusal("it begins with several national prefixes")
}

func parseOnce(digits []byte) (string, error) {
	number, err := phonenumbers.Parse("+"+string(digits), "")
	switch {
	case err == phonenumbers.ErrInvalidCountryCode:
		return "", refusal("invalid country code")
	case err == phonenumbers.ErrNumTooLong:
		return "", refusal("too long")
	case err != nil: // too short for a number, or for one after its calling code
		return "", refusal("too short")
	}
	country := "+" + strconv.Itoa(int(number.GetCountryCode()))
	switch phonenumbers.IsPossibleNumberWithReason(number) {
	case phonenumbers.IS_POSSIBLE:
		return phonenumbers.Format(number, phonenumbers.E164), nil
	case phonenumbers.INVALID_COUNTRY_CODE:
		return "", refusal("invalid country code")
	case phonenumbers.TOO_SHORT:
		return "", refusal("too short for country code " + country)
	case phonenumbers.TOO_LONG:
		return "", refusal("too long for country code " + country)
	case phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return "", refusal("too short for country code " + country + ": the area code is missing")
	default:
		return "", refusal("no number of country code " + country + " has this length")
	}
}

// Region reports whether code is a region (ISO 3166) that has phone numbers.
func Region(code string) bool { return phonenumbers.GetSupportedRegions()[code] }

// Country returns the ISO 3166 region ("IN") of a number in E.164, or "001" if
// it belongs to none, as +800 does. If several regions share the calling code
// it returns the one whose plan the number fits, else the main one, so a
// possible number that no plan contains (+1 555 ...) has a country too. It
// returns "" if e164 is not a number.
func Country(e164 string) string {
	digits := strings.TrimPrefix(e164, "+")
	code, plan := planOf([]byte(digits))
	if plan == nil {
		return ""
	}
	if plan.shared {
		if region := phonenumbers.GetRegionCodeForNumber(numberOf(code, digits[plan.codeLen:])); region != "" {
			return region
		}
	}
	return plan.region
}

// numberOf returns what libphonenumber's parser returns for a number in
// E.164, without parsing it. It keeps the leading zeros of national numbers
// (Italy) apart.
func numberOf(code int, national string) *phonenumbers.PhoneNumber {
	value, err := strconv.ParseUint(national, 10, 64)
	if err != nil {
		return &phonenumbers.PhoneNumber{}
	}
	n := &phonenumbers.PhoneNumber{CountryCode: new(int32(code)), NationalNumber: &value}
	zeros := int32(0)
	for int(zeros) < len(national)-1 && national[zeros] == '0' {
		zeros++
	}
	if zeros > 0 {
		n.ItalianLeadingZero, n.NumberOfLeadingZeros = new(true), &zeros
	}
	return n
}

// numberPlan is the part of a calling code's plan that the fast path uses.
type numberPlan struct {
	codeLen int
	region  string // the main one
	shared  bool   // several regions use the calling code
	lengths uint32 // bit n: a national number of n digits is possible
	// prefix matches a national prefix at the number's start, which the full
	// parser may strip; prefixFirst has bit d when it can begin with digit d.
	prefix      *regexp.Regexp
	prefixFirst uint16
	// trunkZero: the only national prefix is 0, and no number begins with 0, so
	// that the full parser strips it whenever the rest has a possible length.
	trunkZero bool
}

// parseFast parses an ordinary number, of a possible length and without
// anything like a national prefix, exactly as the full parser does
// (TestParse_FastAgreesWithFull). It returns false for all others.
func parseFast(digits []byte) (string, bool) {
	_, plan := planOf(digits)
	if plan == nil {
		return "", false
	}
	national := digits[plan.codeLen:]
	if plan.trunkZero && len(national) > 1 && national[0] == '0' {
		national = national[1:]
	}
	if len(national) == 0 || len(national) > 17 || plan.lengths&(1<<len(national)) == 0 {
		return "", false
	}
	if plan.prefixFirst&(1<<(national[0]-'0')) != 0 && plan.prefix.Match(national) {
		return "", false
	}
	var out [1 + maxDigits]byte
	return string(append(append(append(out[:0], '+'), digits[:plan.codeLen]...), national...)), true
}

// planOf returns the plan of the number's calling code: one to three digits,
// none a prefix of another.
func planOf(digits []byte) (code int, plan *numberPlan) {
	plans := numberPlans()
	for i := 0; i < len(digits) && i < 3; i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, nil
		}
		code = code*10 + int(digits[i]-'0')
		if plan = plans[code]; plan != nil {
			if plan.codeLen != i+1 {
				return 0, nil // zeros in front
			}
			return code, plan
		}
	}
	return 0, nil
}

// numberPlans derives the plans from libphonenumber's metadata, once.
var numberPlans = sync.OnceValue(func() *[1000]*numberPlan {
	var plans [1000]*numberPlan
	all, err := phonenumbers.MetadataCollection()
	if err != nil { // the metadata is built in; without it the full parser fails too
		return &plans
	}
	for _, m := range all.GetMetadata() {
		code := int(m.GetCountryCode())
		if code <= 0 || code >= len(plans) || m.GetId() != phonenumbers.GetRegionCodeForCountryCode(code) {
			continue // not the main region, whose rules count
		}
		plan := &numberPlan{
			codeLen: len(strconv.Itoa(code)),
			region:  m.GetId(),
			shared:  len(phonenumbers.GetRegionCodesForCountryCode(code)) > 1,
		}
		if m.GetGeneralDesc().GetNationalNumberPattern() == "" {
			plan.lengths = 1<<18 - 1<<2 // 2 to 17: the library asks no more
		}
		for _, n := range m.GetGeneralDesc().GetPossibleLength() {
			if n >= 2 && n <= 17 && !slices.Contains(m.GetGeneralDesc().GetPossibleLengthLocalOnly(), n) {
				plan.lengths |= 1 << n
			}
		}
		if p := m.GetNationalPrefixForParsing(); p != "" {
			plan.prefix, plan.prefixFirst = regexp.MustCompile("^(?:"+p+")"), firstDigits(p)
			plan.trunkZero = p == "0" && firstDigits(m.GetGeneralDesc().GetNationalNumberPattern())&1 == 0
		}
		plans[code] = plan
	}
	return &plans
})

// firstDigits returns, as bits, the digits with which a match of pattern can
// begin; all of them if it matches the empty string.
func firstDigits(pattern string) uint16 {
	const all = 1<<10 - 1
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return all
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return all
	}
	var digits uint16
	seen := make([]bool, len(prog.Inst))
	open := []uint32{uint32(prog.Start)}
	for len(open) > 0 {
		pc := open[len(open)-1]
		open = open[:len(open)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch i := &prog.Inst[pc]; i.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			open = append(open, i.Out, i.Arg)
		case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
			open = append(open, i.Out)
		case syntax.InstMatch:
			return all
		case syntax.InstFail:
		default:
			for d := range 10 {
				if i.MatchRune(rune('0' + d)) {
					digits |= 1 << d
				}
			}
		}
	}
	return digits
}
