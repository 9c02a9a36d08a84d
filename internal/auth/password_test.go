package auth

import (
	"strings"
	"testing"
)

func TestPassword(t *testing.T) {
	t.Parallel()
	const password = "correct horse ☃"
	hash := HashPassword(password)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", hash)
	}
	if !VerifyPassword(hash, password) {
		t.Error("right password refused")
	}
	for _, wrong := range []string{"", "correct horse", password + " "} {
		if VerifyPassword(hash, wrong) {
			t.Errorf("took %q", wrong)
		}
	}
	if HashPassword(password) == hash {
		t.Error("two hashes share a salt")
	}
	if OldPassword(hash) {
		t.Error("a fresh hash is old")
	}
}

// The reference implementation's vector (argon2 -id, t=2 m=2^16 p=1, "password", "somesalt").
func TestVerifyPassword_ReferenceVector(t *testing.T) {
	t.Parallel()
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !VerifyPassword(hash, "password") || VerifyPassword(hash, "passwore") {
		t.Error("disagrees with the reference")
	}
	if !OldPassword(hash) {
		t.Error("a hash of another cost is not old")
	}
}

func TestVerifyPassword_BrokenHash_IsRefused(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{
		"",
		"password",
		"$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=0,t=0,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$!$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$!",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$",
	} {
		if _, _, _, err := parseHash(hash); err == nil || !OldPassword(hash) {
			t.Errorf("took %q", hash)
		}
	}
	if VerifyPassword("", "password") {
		t.Error("took a missing hash")
	}
}

func BenchmarkVerifyPassword(b *testing.B) {
	hash := HashPassword("x")
	for b.Loop() {
		VerifyPassword(hash, "x")
	}
}
