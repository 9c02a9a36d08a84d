package auth

import (
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGenerate_ParsesAndDiffers(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		for _, want := range []bool{false, true} {
			secret := Generate(want)
			if test, ok := Parse(secret); !ok || test != want {
				t.Fatalf("Parse(Generate(%t)) = %t, %t", want, test, ok)
			}
			if seen[secret] {
				t.Fatal("made the same key twice")
			}
			seen[secret] = true
		}
	}
}

func TestGenerate_UsesEveryCharacter(t *testing.T) {
	t.Parallel()
	count := map[rune]int{}
	for range 1000 {
		for _, r := range Generate(false)[len(liveHead):][:randomLen] {
			count[r]++
		}
	}
	for _, r := range base62 { // expected 516 each, standard deviation 23
		if n := count[r]; n < 380 || n > 660 {
			t.Errorf("%c came %d times of 32000", r, n)
		}
	}
}

func TestParse_Refuses(t *testing.T) {
	t.Parallel()
	good := Generate(false)
	for name, secret := range map[string]string{
		"empty":        "",
		"head alone":   liveHead,
		"cut":          good[:len(good)-1],
		"longer":       good + "0",
		"other head":   testHead + good[len(liveHead):],
		"foreign head": "pk_live_" + good[len(liveHead):],
		"upper head":   "SK_LIVE_" + good[len(liveHead):],
		"space":        good[:20] + " " + good[21:],
		"bearer":       "Bearer " + good,
	} {
		if _, ok := Parse(secret); ok {
			t.Errorf("%s: taken", name)
		}
	}
}

// A changed character never passes: CRC-32 finds every burst within 32 bits.
func TestParse_FindsEveryTypo(t *testing.T) {
	t.Parallel()
	good := Generate(true)
	rapid.Check(t, func(rt *rapid.T) {
		at := rapid.IntRange(0, len(good)-1).Draw(rt, "at")
		b := []byte(good)
		b[at] = rapid.Byte().Draw(rt, "typed")
		if _, ok := Parse(string(b)); ok != (string(b) == good) {
			rt.Errorf("%q: ok = %t", b, ok)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(Generate(true))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if _, ok := Parse(s); ok && len(s) != keyLen {
			t.Errorf("took %q", s)
		}
		if p := Prefix(s); !strings.HasPrefix(s, p) || len(p) > shownLen {
			t.Errorf("Prefix = %q", p)
		}
	})
}

func TestHash_IsStable(t *testing.T) {
	t.Parallel()
	// printf 'sk_live_' | sha256sum
	sum := Hash("sk_live_")
	if got := hex.EncodeToString(sum[:]); got != "82ce2ac76847d5aa63ff45310dd3f330a0849f930adb0dd8a5cee3181c18f85a" {
		t.Errorf("Hash = %s", got)
	}
}

func BenchmarkParseAndHash(b *testing.B) {
	secret := Generate(false)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Parse(secret); ok {
			_ = Hash(secret)
		}
	}
}

func TestCanonical_TwilioForm_IsTheSameKey(t *testing.T) {
	t.Parallel()
	for _, test := range []bool{false, true} {
		key := Generate(test)
		got := Canonical(strings.ReplaceAll(key, "_", ""))
		if is, ok := Parse(got); got != key || !ok || is != test {
			t.Errorf("%s: got %s", key, got)
		}
		if Canonical(key) != key {
			t.Errorf("%s became %s", key, Canonical(key))
		}
	}
	for _, s := range []string{"", "sklive", "sklive" + strings.Repeat("a", 37), "sk_live_a"} {
		if Canonical(s) != s {
			t.Errorf("%q became %q", s, Canonical(s))
		}
	}
}
