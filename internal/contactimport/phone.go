package contactimport

import (
	"errors"
	"regexp"
	"strings"
	"unicode"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

var (
	// scientific is a number as spreadsheets show long ones: 4.91701E+11, with a
	// comma in most of Europe.
	scientific = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$`)
	// floating is an integer that a program kept as a floating-point number.
	floating = regexp.MustCompile(`^\+?[0-9]{7,15}\.0$`)
	waID     = regexp.MustCompile(`^[0-9]{5,20}$`)
)

const (
	faultMissing    = "the phone number is missing"
	faultScientific = "digits are lost in scientific notation: format the column as text in the spreadsheet and export again"
	faultTwoPhones  = "more than one phone number: keep one"
	faultUserID     = "not a WhatsApp user id such as DE.2000: if these are ids of another system, map the column to fields.user_id"
	faultWaID       = "not a WhatsApp id: expected 5 to 20 digits"
)

// parsePhone reads a phone cell and returns the number as E.164, or what is
// wrong with it. The rules for numbers are dispatch's; these are the habits of
// files.
func parsePhone(text, country string) (e164, fault string) {
	if plainE164(text) {
		return parsed(phone.Parse(text))
	}
	s := cleanPhone(text)
	switch {
	case s == "":
		return "", faultMissing
	case scientific.MatchString(s):
		return "", faultScientific
	case twoPhones(s):
		return "", faultTwoPhones
	case floating.MatchString(s):
		s = strings.TrimSuffix(s, ".0")
	}
	s = dropTrunkZero(strings.ReplaceAll(s, "/", ""))
	return parsed(phone.ParseIn(s, country))
}

func parsed(e164 string, err error) (string, string) {
	if e, ok := errors.AsType[*dispatch.Error](err); ok {
		return "", e.Msg
	}
	return e164, ""
}

// plainE164 reports whether s is a plus sign and digits alone, as most are.
func plainE164(s string) bool {
	if len(s) < 8 || s[0] != '+' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// cleanPhone removes what surrounds a number in files: invisible marks, quotes
// and apostrophes, Excel's ="...", tel: and whatsapp:. Digits and plus signs of
// other scripts become ASCII.
func cleanPhone(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < 0x80:
			return r
		case invisible(r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case r == '＋':
			return '+'
		case unicode.IsDigit(r):
			return '0' + digitValue(r)
		}
		return r
	}, s)
	s = strings.TrimPrefix(strings.TrimSpace(s), "=")
	s = strings.Trim(s, " '\"`´‘’“”\t\r\n")
	for _, prefix := range []string{"tel:", "whatsapp:"} {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			s = s[len(prefix):]
		}
	}
	return strings.TrimSpace(s)
}

// digitValue returns the value of a decimal digit of any script. Unicode keeps
// ten in a row for each (Nd), so that it is the distance to the script's zero.
func digitValue(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	return 0
}

// invisible reports whether r has no width: zero-width spaces, joiners,
// direction marks, byte order marks, soft hyphens.
func invisible(r rune) bool { return unicode.Is(unicode.Cf, r) }

func stripInvisible(s string) string {
	return strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, s)
}

// twoPhones reports whether s has two numbers: several plus signs, or a mark
// between them and more digits than one can have.
func twoPhones(s string) bool {
	digits, letters := 0, false
	for _, r := range s {
		if r >= '0' && r <= '9' {
			digits++
		}
		letters = letters || unicode.IsLetter(r)
	}
	return !letters && digits > 15 && strings.ContainsAny(s, ",;/|\n") || strings.Count(s, "+") > 1 && digits > 15
}

// dropTrunkZero removes the (0) of an international number: it is for callers
// inside the country. In Italy and San Marino the zero is part of the number.
func dropTrunkZero(s string) string {
	if !strings.HasPrefix(s, "+") && !strings.HasPrefix(s, "00") || !strings.Contains(s, "(0)") {
		return s
	}
	digits := strings.TrimLeft(s, "+0 ")
	if strings.HasPrefix(digits, "39") || strings.HasPrefix(digits, "378") {
		return s
	}
	return strings.Replace(s, "(0)", "", 1)
}
