// Package segment counts the parts of an SMS.
package segment

// The encodings of an SMS, as Count returns them.
const (
	gsm7 = "gsm7"
	ucs2 = "ucs2"
)

// septets returns how many septets of GSM 03.38 (3GPP TS 23.038, 6.2.1) a
// character needs: 1 in the basic table, 2 with an escape before it, 0 if it
// has none. All but € are below U+03AA.
var septets = func() (t [0x3AA]uint8) {
	const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	for _, r := range basic {
		t[r] = 1
	}
	for _, r := range "\f^{}\\[~]|" {
		t[r] = 2
	}
	return t
}()

// Count returns the number of parts of an SMS with that text, and its
// encoding ("gsm7" or "ucs2"): carriers charge per part. A single part holds
// 160 septets or 70 UTF-16 units; of several, each loses room to the header
// that joins them and holds 153 or 67. An escape is not separated from its
// character, nor a surrogate pair split, so a part may hold one less. An empty
// text has no part.
func Count(text string) (n int, encoding string) {
	encoding = gsm7
	for _, r := range text {
		if gsmSeptets(r) == 0 {
			encoding = ucs2
			break
		}
	}
	size, single, part := gsmSeptets, 160, 153
	if encoding == ucs2 {
		size, single, part = utf16Units, 70, 67
	}
	if text == "" {
		return 0, encoding
	}
	n = 1
	total, filled := 0, 0
	for _, r := range text {
		units := size(r)
		total += units
		if filled += units; filled > part {
			n, filled = n+1, units
		}
	}
	if total <= single {
		return 1, encoding
	}
	return n, encoding
}

// gsmSeptets returns the number of septets of r in GSM 03.38, or 0.
func gsmSeptets(r rune) int {
	if int(r) < len(septets) {
		return int(septets[r])
	}
	if r == '€' {
		return 2
	}
	return 0
}

// utf16Units returns the number of UTF-16 units of r.
func utf16Units(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}
