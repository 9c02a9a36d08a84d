package phone

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestParseIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, region, want string }{
		{"0176 1234567", "DE", "+491761234567"},
		{"1761234567", "DE", "+491761234567"},      // a spreadsheet dropped the zero
		{"4917612345678", "DE", "+4917612345678"},  // not area code 04917
		{"+4917612345678", "US", "+4917612345678"}, // the region is the default only
		{"0049 176 12345678", "US", "+4917612345678"},
		{"(202) 555-0100", "US", "+12025550100"},
		{"1 202 555 0100", "US", "+12025550100"},
		{"011 44 7700 900123", "US", "+447700900123"}, // prefix for calls abroad
		{"07700 900123", "GB", "+447700900123"},
		{"447700900123", "GB", "+447700900123"},
		{"06 39 98 01 23", "FR", "+33639980123"},
		{"(11) 98765-4321", "BR", "+5511987654321"},
		{"0 11 15 2345 6789", "AR", "+5491123456789"},
		{"06 698 12345", "IT", "+390669812345"}, // the zero counts
		{"393331234567", "IT", "+393331234567"},
		{"628123456789", "ID", "+628123456789"},
		{"9198765432", "IN", "+919198765432"}, // begins like the calling code, but is a mobile number
		{"919876543210", "IN", "+919876543210"},
		{"8 916 123-45-67", "RU", "+79161234567"},
		{"45123456", "DK", "+4545123456"},
		{"1 202 555 0100", "", "+12025550100"},
		{"1 (202) 555-0100", "", "+12025550100"},
	} {
		if got, err := ParseIn(c.in, c.region); err != nil || got != c.want {
			t.Errorf("ParseIn(%q, %q) = %q, %v; want %q", c.in, c.region, got, err, c.want)
		}
	}
}

func TestParseIn_NeverAnotherCountryByAccident(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, region, want string }{
		{"(202) 555-0100", "", "national number"}, // Egypt's +20 2...
		{"0176 1234567", "", "national number"},
		{"61755501001", "US", "too long for country code +1"}, // one digit too many, not Australia
		{"919876543210", "US", "too long for country code +1"},
		{"12", "DE", "too short"},
		{"", "DE", "no digits"},
		{"0800 CALL", "US", "letters"},
	} {
		if got, err := ParseIn(c.in, c.region); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ParseIn(%q, %q) = %q, %v; want a refusal about %q", c.in, c.region, got, err, c.want)
		}
	}
}

// A national number with the trunk prefix 0 takes the fast path, with the full
// parser's verdict.
func TestParse_FastTrunkZeroAgreesWithFull(t *testing.T) {
	t.Parallel()
	rnd, decided := rand.New(rand.NewPCG(3, 4)), 0
	check := func(digits string) {
		fast, ok := parseFast([]byte(digits))
		if !ok {
			return
		}
		decided++
		if full, err := parseFull([]byte(digits)); err != nil || full != fast {
			t.Errorf("%s: fast %q, full %q, %v", digits, fast, full, err)
		}
	}
	for code, plan := range numberPlans() {
		if plan == nil {
			continue
		}
		for length := 2; length <= 17; length++ {
			if plan.lengths&(1<<length) == 0 {
				continue
			}
			var digits strings.Builder
			digits.WriteString(strconv.Itoa(code) + "0")
			for range length {
				digits.WriteString(strconv.Itoa(rnd.IntN(10)))
			}
			check(digits.String())
		}
	}
	for region := range phonenumbers.GetSupportedRegions() {
		if n := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE); n != nil {
			check(strconv.Itoa(int(n.GetCountryCode())) + "0" + phonenumbers.GetNationalSignificantNumber(n))
		}
	}
	if decided < 200 {
		t.Errorf("the fast path decided %d numbers only", decided)
	}
}

func FuzzParseIn(f *testing.F) {
	f.Add("0176 1234567", "DE")
	f.Add("(202) 555-0100", "")
	f.Add("4917612345678", "DE")
	f.Fuzz(func(t *testing.T, s, region string) {
		if !Region(region) {
			region = "DE"
		}
		e164, err := ParseIn(s, region)
		if err != nil {
			return
		}
		if again, err := ParseIn(e164, region); err != nil || again != e164 {
			t.Errorf("ParseIn(%q, %q) = %q, which parses as %q, %v", s, region, e164, again, err)
		}
	})
}
