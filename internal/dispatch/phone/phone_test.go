package phone

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"+919876543210":          "+919876543210",
		"919876543210":           "+919876543210",
		"0091 98765 43210":       "+919876543210",
		"+1 (617) 555-1212":      "+16175551212",
		"1.617.555.1212":         "+16175551212",
		" +1 617\u00a0555‑1212 ": "+16175551212",
		"+44 (0)20 7946 0018":    "+442079460018", // national prefix stripped
		"+39 06 698 12345":       "+390669812345", // leading zero kept
		"+15550000100":           "+15550000100",  // possible, not valid
		"+80012345678":           "+80012345678",  // no country
		"+5491112345678":         "+5491112345678",
	} {
		got, err := Parse(in)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestParse_RefusalGivesReason(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                      "no digits",
		"+":                     "no digits",
		"hello":                 "letters",
		"+1617555CALL":          "letters",
		"+16175551212 ext. 5":   "letters",
		"+16175551212;ext=5":    "';'",
		"+16175551212#5":        "'#'",
		"1+6175551212":          "'+'",
		"++16175551212":         "'+'",
		"+1617":                 "too short for country code +1",
		"+1":                    "too short",
		"+91":                   "too short",
		"+15551212":             "area code is missing",
		"+1617555121299":        "too long for country code +1",
		"+99912345678":          "invalid country code",
		"0123456789":            "national number",
		"+0916175551212":        "invalid country code",
		"+8001234567":           "too short",
		strings.Repeat("1", 65): "too long",
		strings.Repeat("1", 60): "too long",
		"\xff+1617":             "unexpected character",
	} {
		got, err := Parse(in)
		if err == nil {
			t.Errorf("Parse(%q) = %q; want a refusal about %q", in, got, want)
			continue
		}
		e := dispatch.AsError(err)
		if e.Code != dispatch.Invalid || len(e.Faults) != 1 || e.Faults[0].Field != "/to" || !strings.Contains(e.Msg, want) {
			t.Errorf("Parse(%q): %v; want %q about /to", in, err, want)
		}
	}
}

// What the fast path decides, the full parser decides the same way.
func TestParse_FastAgreesWithFull(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, digits string) {
		t.Helper()
		fast, ok := parseFast([]byte(digits))
		if !ok {
			return
		}
		if full, err := parseFull([]byte(digits)); err != nil || full != fast {
			t.Fatalf("%s: fast %q, full %q, %v", digits, fast, full, err)
		}
	}
	for _, digits := range exampleNumbers() {
		check(t, digits)
	}
	rnd, codes, next := rand.New(rand.NewPCG(1, 2)), 0, 0
	for code, plan := range numberPlans() {
		if plan == nil {
			continue
		}
		codes++
		for length := 1; length <= 17; length++ {
			if plan.lengths&(1<<length) == 0 {
				continue
			}
			firsts := 10
			if plan.lengths>>(length+1) != 0 {
				firsts = 1 // all ten digits at the greatest length only: the parser is slow
			}
			for range firsts {
				first := next % 10
				next++
				var digits strings.Builder
				digits.WriteString(strconv.Itoa(code) + strconv.Itoa(first))
				for range length - 1 {
					digits.WriteString(strconv.Itoa(rnd.IntN(10)))
				}
				check(t, digits.String())
			}
		}
	}
	if codes != len(phonenumbers.GetSupportedCallingCodes()) {
		t.Fatalf("%d plans for %d calling codes", codes, len(phonenumbers.GetSupportedCallingCodes()))
	}
}

// Most countries' mobile numbers must take the fast path, or it is no use.
func TestParse_FastPathCoversExamples(t *testing.T) {
	t.Parallel()
	var slow []string
	all := exampleNumbers()
	for region, digits := range all {
		if _, ok := parseFast([]byte(digits)); !ok {
			slow = append(slow, region+":"+digits)
		}
	}
	if len(slow)*20 > len(all) {
		t.Errorf("%d of %d take the slow path: %v", len(slow), len(all), slow)
	}
	t.Logf("slow: %v", slow)
}

func exampleNumbers() map[string]string {
	numbers := map[string]string{}
	for region := range phonenumbers.GetSupportedRegions() {
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE} {
			if n := phonenumbers.GetExampleNumberForType(region, kind); n != nil {
				numbers[region+strconv.Itoa(int(kind))] = strings.TrimPrefix(phonenumbers.Format(n, phonenumbers.E164), "+")
			}
		}
	}
	return numbers
}

func TestCountry(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"+919876543210": "IN", "+16175551212": "US", "+15550000100": "US", "+14165550123": "CA", "+18765550123": "JM",
		"+447400123456": "GB", "+441534123456": "JE", "+390236618300": "IT", "+77012345678": "KZ",
		"+79161234567": "RU", "+80012345678": "001", "+999": "", "": "", "+": "", "abc": "", "+001": "",
		"+1": "US", "+199999999999999999999999": "US",
	} {
		if got := Country(in); got != want {
			t.Errorf("Country(%q) = %q; want %q", in, got, want)
		}
	}
}

// Country builds the number without parsing; the parser must agree.
func TestCountry_AgreesWithParser(t *testing.T) {
	t.Parallel()
	for key, digits := range exampleNumbers() {
		n, err := phonenumbers.Parse("+"+digits, "")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := Country("+"+digits), phonenumbers.GetRegionCodeForNumber(n); got != want {
			t.Errorf("%s: Country(%s) = %q; want %q", key, digits, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"+919876543210", "0044 (0)20", "+1", "\xff", "+54 9 11", "270000000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e164, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(e164)
		if err != nil || again != e164 {
			t.Errorf("Parse(%q) = %q, which parses as %q, %v", s, e164, again, err)
		}
		Country(e164)
	})
}

func BenchmarkParse(b *testing.B) {
	for _, s := range []string{
		"+919876543210", "+16175551212", "+447911123456", "+5511987654321", "+5491123456789",
		"+393331234567", "+4915112345678",
	} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCountry(b *testing.B) {
	for _, s := range []string{"+919876543210", "+16175551212", "+447911123456"} {
		b.Run(s, func(b *testing.B) {
			for b.Loop() {
				Country(s)
			}
		})
	}
}

// What libphonenumber reads is a number, however it was copied.
func TestParse_AsPeoplePaste(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\u202a+1 202 555 0100\u202c":                      "+12025550100", // bidi marks of a phone's address book
		"+1\u200b2025550100":                               "+12025550100",
		"\ufeff+12025550100":                               "+12025550100",
		"＋１２０２５５５０１００":                                     "+12025550100",
		"٩١٩٨٧٦٥٤٣٢١٠":                                     "+919876543210",
		"+९१ ९८७६५ ४३२१०":                                  "+919876543210",
		"tel:+1-202-555-0100":                              "+12025550100",
		"TEL:+1-202-555-0100":                              "+12025550100",
		"tel:555-0100;phone-context=+1-202":                "+12025550100",
		"+49/176/12345678":                                 "+4917612345678",
		"+1–202—555−0100":                                  "+12025550100",
		"+1\t202\u3000555\u20610100":                       "+12025550100",
		"[+44] 20 7946 0018":                               "+442079460018",
		"(+44) 20 7946 0018":                               "+442079460018",
		"+1~202~555~0100":                                  "+12025550100",
		"3545550100":                                       "+3545550100",
		"354 555 0100":                                     "+3545550100",
		"" + strings.Repeat("\u200b", 40) + "+12025550100": "+12025550100",
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for in, reason := range map[string]string{
		"(202) 555-0100": "national number", "202-555-0100": "national number", "202.555.0100": "national number",
		"020 7946 0018":        "national number",
		"tel:2025550100;ext=5": "extensions", "tel:+": "no digits", "+1 202 555 0100 x5": "extensions", "+1+2025550100": "unexpected character",
		"+1,2025550100": "unexpected character", "tel:tel:tel:x": "letters",
	} {
		if got, err := Parse(in); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("Parse(%q) = %q, %v; want %q", in, got, err, reason)
		}
	}
}

func TestRepeatsCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code, number string
		want         bool
	}{
		{"91", "919876543210", true},
		{"91", "+91 98765 43210", true},
		{"91", "0091 98765 43210", true},
		{"1", "15550000100", true},
		{"49", "49 176 12345678", true},
		{"55", "55 11 97765 4321", true},
		{"62", "628123456789", true},
		{"91", "9198765432", false}, // an Indian number that begins with 91
		{"39", "3931234567", false},
		{"55", "55991234567", false}, // Brazil has an area 55
		{"1", "5550000100", false},
		{"91", "x", false},
	} {
		if got := RepeatsCode(c.code, c.number); got != c.want {
			t.Errorf("RepeatsCode(%q, %q) = %v", c.code, c.number, got)
		}
	}
}
