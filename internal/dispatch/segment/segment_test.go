package segment

import (
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestCount(t *testing.T) {
	t.Parallel()
	rep := strings.Repeat
	for _, tc := range []struct {
		name, text string
		n          int
		encoding   string
	}{
		{"empty", "", 0, gsm7},
		{"short", "Your parcel is here", 1, gsm7},
		{"all of the alphabet", "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ^{}\\[~]|€ÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà\f", 1, gsm7},
		{"160", rep("a", 160), 1, gsm7},
		{"161", rep("a", 161), 2, gsm7},
		{"306", rep("a", 306), 2, gsm7},
		{"307", rep("a", 307), 3, gsm7},
		{"80 escaped", rep("€", 80), 1, gsm7},
		{"81 escaped", rep("€", 81), 2, gsm7},
		{"escape at the end of a part", rep("a", 152) + "€" + rep("a", 151), 2, gsm7}, // 152 + 2·1 + 151: the € moves on
		{"escape makes a third part", rep("a", 152) + "€" + rep("a", 152), 3, gsm7},   // 306 septets, but one is lost
		{"70 of UCS-2", rep("ж", 70), 1, ucs2},
		{"71 of UCS-2", rep("ж", 71), 2, ucs2},
		{"134 of UCS-2", rep("ж", 134), 2, ucs2},
		{"135 of UCS-2", rep("ж", 135), 3, ucs2},
		{"one makes all UCS-2", rep("a", 100) + "’", 2, ucs2},
		{"35 emoji", rep("😀", 35), 1, ucs2},
		{"36 emoji", rep("😀", 36), 2, ucs2},
		{"66 emoji", rep("😀", 66), 2, ucs2}, // 33 a part: the 67th unit stays empty
		{"67 emoji", rep("😀", 67), 3, ucs2},
		{"pair at the end of a part", rep("ж", 66) + "😀" + rep("ж", 66), 3, ucs2},
		{"cedilla is capital only", "ç", 1, ucs2},
		{"backtick", "`", 1, ucs2},
		{"not UTF-8", "\xff", 1, ucs2},
		{"escape itself", "\x1b", 1, ucs2},
	} {
		if n, encoding := Count(tc.text); n != tc.n || encoding != tc.encoding {
			t.Errorf("%s: %d %s; want %d %s", tc.name, n, encoding, tc.n, tc.encoding)
		}
	}
}

// Count agrees with filling the parts one by one.
func TestCount_AgreesWithSplitting(t *testing.T) {
	t.Parallel()
	for encoding, alphabet := range map[string][]rune{gsm7: []rune("aé@\n €{Ω"), ucs2: []rune("aж€’中😀👍")} {
		rapid.Check(t, func(t *rapid.T) {
			text := string(rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 700).Draw(t, "text"))
			n, got := Count(text)
			if got == encoding {
				if want := len(splitParts(text, encoding)); n != want {
					t.Fatalf("%d parts; want %d", n, want)
				}
			} else if strings.ContainsAny(text, "ж’中😀👍") || encoding == gsm7 {
				t.Fatalf("encoding is %s; want %s", got, encoding)
			}
			if longer, _ := Count(text + "a"); longer < n {
				t.Fatalf("a longer text has %d parts after %d", longer, n)
			}
		})
	}
}

// splitParts cuts a text as a phone would, units at a time.
func splitParts(text, encoding string) []string {
	if text == "" {
		return nil
	}
	length := func(s string) int {
		if encoding == ucs2 {
			return len(utf16.Encode([]rune(s)))
		}
		n := 0
		for _, r := range s {
			if n++; strings.ContainsRune("\f^{}\\[~]|€", r) {
				n++
			}
		}
		return n
	}
	single, part := 160, 153
	if encoding == ucs2 {
		single, part = 70, 67
	}
	if length(text) <= single {
		return []string{text}
	}
	parts := []string{""}
	for _, r := range text {
		last := len(parts) - 1
		if length(parts[last]+string(r)) > part {
			parts, last = append(parts, ""), last+1
		}
		parts[last] += string(r)
	}
	return parts
}

func BenchmarkCount(b *testing.B) {
	text := strings.Repeat("Your parcel is here. ", 10)
	b.ReportAllocs()
	for b.Loop() {
		Count(text)
	}
}
