package pg

import (
	"crypto/rand"
	"errors"
	"testing"
)

func box(t *testing.T, keys ...string) *Box {
	t.Helper()
	b, err := NewBox(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	firstKey  = "the first secret key"
	secondKey = "the second secret key"
)

func TestBox_OpensInItsRowOnly(t *testing.T) {
	t.Parallel()
	b := box(t, firstKey)
	sealed, err := b.Seal([]byte("s3cret"), Row("channels", 7))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := b.Open(sealed, Row("channels", 7)); err != nil || string(plain) != "s3cret" {
		t.Errorf("in its row: %q, %v", plain, err)
	}
	for _, row := range []string{Row("channels", 8), Row("webhooks", 7), ""} {
		if plain, err := b.Open(sealed, row); !errors.Is(err, ErrOtherRow) || plain != nil {
			t.Errorf("in row %q: %q, %v", row, plain, err)
		}
	}
	again, err := b.Seal([]byte("s3cret"), Row("channels", 8))
	if err != nil || string(again) == string(sealed) {
		t.Errorf("two rows with one secret look alike: %v", err)
	}
}

// What an earlier version has sealed, with a random nonce, still opens, and a
// rotation seals it for its row.
func TestBox_OpensWhatEarlierVersionsSealed(t *testing.T) {
	t.Parallel()
	b := box(t, firstKey)
	k := b.keys[0]
	old := append([]byte{1}, k.id[:]...)
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce)
	old = k.aead.Seal(append(old, nonce...), nonce, []byte("s3cret"), old[:5])
	if plain, err := b.Open(old, Row("channels", 7)); err != nil || string(plain) != "s3cret" {
		t.Errorf("%q, %v", plain, err)
	}
	if b.Newest(old) {
		t.Error("a rotation would leave it unbound")
	}
}

func TestBox_Rotation(t *testing.T) {
	t.Parallel()
	row := Row("accounts", 1)
	sealed, err := box(t, firstKey).Seal([]byte("s3cret"), row)
	if err != nil {
		t.Fatal(err)
	}
	both := box(t, secondKey, firstKey)
	if plain, err := both.Open(sealed, row); err != nil || string(plain) != "s3cret" || both.Newest(sealed) || len(both.KeyIDs()) != 2 {
		t.Errorf("with both keys: %q, %v, newest %v", plain, err, both.Newest(sealed))
	}
	if _, err := box(t, secondKey).Open(sealed, row); err == nil {
		t.Error("opens without its key")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := both.Open(sealed, row); err == nil {
		t.Error("opens although it was changed")
	}
	if _, err := NewBox("short"); err == nil {
		t.Error("a short key is taken")
	}
}
