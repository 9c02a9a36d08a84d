package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon is the cost of a password hash. A hash names its own, so that these
// can be raised without locking anybody out.
type argon struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// OWASP's first choice for argon2id where memory is scarce: 19 MiB, two passes
// (cheatsheetseries.owasp.org, Password Storage). About 40 ms on the 2.5 GHz
// core it was measured on.
var argonNow = argon{memory: 19 * 1024, time: 2, threads: 1}

// The most that a stored hash may ask for, so that a forged one can't take the
// process down.
const (
	argonMaxMemory = 256 * 1024
	argonMaxTime   = 16
)

const (
	saltLen = 16
	sumLen  = 32
)

// hashing holds the password that is being hashed: one at a time, so that many who sign
// in together take the memory of one.
var hashing = make(chan struct{}, 1)

// HashPassword returns the argon2id hash of a password as a PHC string
// (github.com/P-H-C/phc-string-format), or the context's error if its turn does not come.
func HashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails (Go 1.24)
	sum, err := argonNow.sum(ctx, password, salt, sumLen)
	if err != nil {
		return "", err
	}
	return formatHash(argonNow, salt, sum), nil
}

// VerifyPassword reports whether password belongs to hash, in constant time. It
// takes as long for an empty or broken hash as for a good one, so that asking
// for an unknown user takes as long as one with a wrong password. It returns the context's
// error if its turn does not come.
func VerifyPassword(ctx context.Context, hash, password string) (bool, error) {
	cost, salt, want, broken := parseHash(hash)
	if broken != nil {
		cost, salt, want = argonNow, make([]byte, saltLen), make([]byte, sumLen)
	}
	got, err := cost.sum(ctx, password, salt, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && broken == nil, err
}

// sum hashes a password. The collector counts the hash's memory only once it is taken, on
// top of a heap that may be about to be collected: what the one before left goes first.
func (a argon) sum(ctx context.Context, password string, salt []byte, size uint32) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-hashing }()
	runtime.GC()
	return argon2.IDKey([]byte(password), salt, a.time, a.memory, a.threads, size), nil
}

func formatHash(a argon, salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, a.memory, a.time, a.threads,
		b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func parseHash(hash string) (a argon, salt, sum []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return a, nil, nil, fmt.Errorf("not an argon2id hash")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.memory, &a.time, &a.threads); err != nil {
		return a, nil, nil, fmt.Errorf("read argon2id cost: %w", err)
	}
	if a.memory == 0 || a.memory > argonMaxMemory || a.time == 0 || a.time > argonMaxTime || a.threads == 0 {
		return a, nil, nil, fmt.Errorf("argon2id cost %+v is out of bounds", a)
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return a, nil, nil, fmt.Errorf("read argon2id salt: %w", err)
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return a, nil, nil, fmt.Errorf("read argon2id sum: %w", err)
	}
	if len(salt) < 8 || len(sum) < 16 {
		return a, nil, nil, fmt.Errorf("argon2id salt or sum is too short")
	}
	return a, salt, sum, nil
}
