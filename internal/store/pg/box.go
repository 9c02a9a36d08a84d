package pg

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Box seals secrets at rest with AES-256-GCM. The first key seals; all of them
// open, so that a key can be rotated.
//
// A sealed value is bound to its row by its nonce, which is a code over the row's
// name and the value: moved to another row it does not open. Values of earlier
// versions have a random nonce and open anywhere until they are sealed again;
// earlier versions open those of this one.
type Box struct {
	keys []boxKey
}

type boxKey struct {
	id   [4]byte
	aead cipher.AEAD
	mac  [sha256.Size]byte // key of the nonces
}

// Row names the row that a sealed value belongs to.
func Row(table string, id int64) string { return table + ":" + strconv.FormatInt(id, 10) }

// ErrOtherRow is returned for a sealed value that was moved from another row.
var ErrOtherRow = errors.New("sealed for another row")

// NewBox makes a box of one or more secrets, the newest first. A secret is any
// text of at least 16 characters; its SHA-256 is the key.
func NewBox(secrets ...string) (*Box, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no secret key given")
	}
	b := &Box{}
	for _, s := range secrets {
		if len(s) < 16 {
			return nil, errors.New("secret key must have at least 16 characters")
		}
		sum := sha256.Sum256([]byte(s))
		block, err := aes.NewCipher(sum[:])
		if err != nil {
			return nil, fmt.Errorf("make cipher: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("make cipher: %w", err)
		}
		id := sha256.Sum256(sum[:])
		b.keys = append(b.keys, boxKey{id: [4]byte(id[:4]), aead: aead, mac: sha256.Sum256(append(sum[:], "nonce"...))})
	}
	return b, nil
}

// bound is how the nonce of a value that is bound to its row begins.
var bound = []byte("row1")

// nonce returns the nonce of a value in a row: bound, and eight bytes of a code.
func (k *boxKey) nonce(plain []byte, row string) []byte {
	code := hmac.New(sha256.New, k.mac[:])
	code.Write([]byte(row))
	code.Write([]byte{0})
	code.Write(plain)
	return append(slices.Clone(bound), code.Sum(nil)[:k.aead.NonceSize()-len(bound)]...)
}

// Seal encrypts plain for a row: version, key id, nonce, ciphertext.
func (b *Box) Seal(plain []byte, row string) ([]byte, error) {
	if b == nil {
		return nil, errors.New("no secret key configured: set SENDOFF_SECRET_KEY")
	}
	k := &b.keys[0]
	nonce := k.nonce(plain, row)
	out := append([]byte{1}, k.id[:]...)
	out = append(out, nonce...)
	return k.aead.Seal(out, nonce, plain, out[:5]), nil
}

// Open decrypts what Seal made for the same row.
func (b *Box) Open(sealed []byte, row string) ([]byte, error) {
	if b == nil {
		return nil, errors.New("no secret key configured: set SENDOFF_SECRET_KEY")
	}
	if len(sealed) < 5 || sealed[0] != 1 {
		return nil, errors.New("not a sealed secret")
	}
	for i := range b.keys {
		k := &b.keys[i]
		if n := k.aead.NonceSize(); [4]byte(sealed[1:5]) == k.id && len(sealed) >= 5+n {
			return k.open(sealed[:5], sealed[5:5+n], sealed[5+n:], row)
		}
	}
	return nil, errors.New("sealed with a key that SENDOFF_SECRET_KEY no longer holds")
}

func (k *boxKey) open(head, nonce, sealed []byte, row string) ([]byte, error) {
	plain, err := k.aead.Open(nil, nonce, sealed, head)
	if err == nil && bytes.HasPrefix(nonce, bound) && !hmac.Equal(nonce, k.nonce(plain, row)) {
		return nil, ErrOtherRow
	}
	return plain, err
}

// KeyIDs returns the ids of the keys that the box opens, in hexadecimal, as they
// stand in sealed values after the first byte.
func (b *Box) KeyIDs() []string {
	var ids []string
	if b != nil {
		for i := range b.keys {
			ids = append(ids, hex.EncodeToString(b.keys[i].id[:]))
		}
	}
	return ids
}

// Newest reports whether sealed was sealed with the newest key, and for a row.
func (b *Box) Newest(sealed []byte) bool {
	return b != nil && len(sealed) >= 5 && sealed[0] == 1 && [4]byte(sealed[1:5]) == b.keys[0].id && bytes.HasPrefix(sealed[5:], bound)
}
