package auth

import (
	"context"
	"errors"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPassword(t *testing.T) {
	t.Parallel()
	const password = "correct horse ☃"
	hash := hashed(t, password)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", hash)
	}
	if !verified(t, hash, password) {
		t.Error("right password refused")
	}
	for _, wrong := range []string{"", "correct horse", password + " "} {
		if verified(t, hash, wrong) {
			t.Errorf("took %q", wrong)
		}
	}
	if hashed(t, password) == hash {
		t.Error("two hashes share a salt")
	}
}

// The reference implementation's vector (argon2 -id, t=2 m=2^16 p=1, "password", "somesalt").
func TestVerifyPassword_ReferenceVector(t *testing.T) {
	t.Parallel()
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !verified(t, hash, "password") || verified(t, hash, "passwore") {
		t.Error("disagrees with the reference")
	}
}

// Not parallel: it reads the memory of the process.
func TestVerifyPassword_ManyAtOnce_TakeTheMemoryOfOne(t *testing.T) {
	const one = 19 << 20
	hash := hashed(t, "x")
	runtime.GC()
	before, most := heap(), uint64(0)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { verified(t, hash, "x") })
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for tick := time.NewTicker(time.Millisecond); ; {
		select {
		case <-tick.C:
			most = max(most, heap())
			continue
		case <-done:
		}
		break
	}
	if took := most - min(most, before); took < one/2 || took > one*3/2 {
		t.Errorf("eight took %d MiB, one takes %d", took>>20, one>>20)
	}
}

func TestVerifyPassword_TurnDoesNotCome(t *testing.T) {
	hash := hashed(t, "x")
	hashing <- struct{}{}
	defer func() { <-hashing }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if right, err := VerifyPassword(ctx, hash, "x"); right || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%t, %v", right, err)
	}
	if hash, err := HashPassword(ctx, "x"); hash != "" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%q, %v", hash, err)
	}
}

// heap returns the bytes of all that is in the heap, collected or not.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func hashed(t testing.TB, password string) string {
	t.Helper()
	hash, err := HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func verified(t testing.TB, hash, password string) bool {
	t.Helper()
	right, err := VerifyPassword(t.Context(), hash, password)
	if err != nil {
		t.Error(err)
	}
	return right
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
		if _, _, _, err := parseHash(hash); err == nil {
			t.Errorf("took %q", hash)
		}
	}
	if verified(t, "", "password") {
		t.Error("took a missing hash")
	}
}

func BenchmarkVerifyPassword(b *testing.B) {
	hash := hashed(b, "x")
	for b.Loop() {
		verified(b, hash, "x")
	}
}
