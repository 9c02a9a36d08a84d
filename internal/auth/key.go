// Package auth holds API keys, permissions, roles and passwords, without HTTP and
// SQL.
package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"
)

// A key reads sk_live_ or sk_test_, 32 random base62 characters (190 bits) and
// a checksum of everything before it. The fixed head and the checksum let
// secret scanners and us tell a key from noise without asking the database.
const (
	liveHead    = "sk_live_"
	testHead    = "sk_test_"
	randomLen   = 32
	checksumLen = 6 // 62^6 > 2^32: holds a CRC-32
	keyLen      = len(liveHead) + randomLen + checksumLen
	shownLen    = len(liveHead) + 4
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

var isBase62 = func() (is [256]bool) {
	for _, c := range []byte(base62) {
		is[c] = true
	}
	return is
}()

// Generate makes a fresh key. It is shown once; only its Hash is kept.
func Generate(test bool) string {
	b := make([]byte, 0, keyLen)
	if test {
		b = append(b, testHead...)
	} else {
		b = append(b, liveHead...)
	}
	var pool [2 * randomLen]byte
	for len(b) < keyLen-checksumLen {
		_, _ = rand.Read(pool[:]) // never fails (Go 1.24)
		for _, r := range pool {
			// 248 = 4*62: dropping the rest keeps every character equally likely.
			if r < 248 && len(b) < keyLen-checksumLen {
				b = append(b, base62[r%62])
			}
		}
	}
	sum := checksum(string(b))
	return string(append(b, sum[:]...))
}

// Parse reports whether secret is a well-formed key, and for test or live use.
// It does not look for the key: it only spares the database
// typos, cut-off pastes and guesses.
func Parse(secret string) (test, ok bool) {
	if len(secret) != keyLen {
		return false, false
	}
	test = strings.HasPrefix(secret, testHead)
	if !test && !strings.HasPrefix(secret, liveHead) {
		return false, false
	}
	body, sum := secret[:keyLen-checksumLen], secret[keyLen-checksumLen:]
	for i := len(liveHead); i < len(body); i++ {
		if !isBase62[body[i]] {
			return false, false
		}
	}
	want := checksum(body)
	return test, sum == string(want[:])
}

// Canonical returns a key in the form that Generate returns. Clients of Twilio's
// API take letters and digits alone as a secret (twilio-go 1.31.0 refuses
// underscores): there a key is written without them. What is no such form is
// returned as it is.
func Canonical(secret string) string {
	if len(secret) == keyLen {
		return secret
	}
	for _, head := range []string{liveHead, testHead} {
		bare := strings.ReplaceAll(head, "_", "")
		if len(secret) == keyLen-len(head)+len(bare) && strings.HasPrefix(secret, bare) {
			return head + secret[len(bare):]
		}
	}
	return secret
}

// Hash is what is stored of a key. The key is random enough that a plain hash
// can't be searched, and a slow one would bound the request rate.
func Hash(secret string) [sha256.Size]byte {
	var room [2 * keyLen]byte // so that a key is not allocated anew
	return sha256.Sum256(append(room[:0], secret...))
}

// Prefix is the part of a key that may be shown, to tell keys apart.
func Prefix(secret string) string { return secret[:min(shownLen, len(secret))] }

// checksum is the CRC-32 of s in base62, padded with zeros.
func checksum(s string) [checksumLen]byte {
	n := crc32.ChecksumIEEE([]byte(s))
	var b [checksumLen]byte
	for i := checksumLen - 1; i >= 0; i-- {
		b[i] = base62[n%62]
		n /= 62
	}
	return b
}
