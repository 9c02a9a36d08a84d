package pg

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Box seals secrets at rest with AES-256-GCM. The first key seals; all of them
// open, so that a key can be rotated.
type Box struct {
	keys []boxKey
}

type boxKey struct {
	id   [4]byte
	aead cipher.AEAD
}

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
		b.keys = append(b.keys, boxKey{id: [4]byte(id[:4]), aead: aead})
	}
	return b, nil
}

// Seal encrypts plain: version, key id, nonce, ciphertext.
func (b *Box) Seal(plain []byte) ([]byte, error) {
	if b == nil {
		return nil, errors.New("no secret key configured: set SENDOFF_SECRET_KEY")
	}
	k := b.keys[0]
	out := append([]byte{1}, k.id[:]...)
	nonce := make([]byte, k.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("make nonce: %w", err)
	}
	out = append(out, nonce...)
	return k.aead.Seal(out, nonce, plain, out[:5]), nil
}

// Open decrypts what Seal made.
func (b *Box) Open(sealed []byte) ([]byte, error) {
	if b == nil {
		return nil, errors.New("no secret key configured: set SENDOFF_SECRET_KEY")
	}
	if len(sealed) < 5 || sealed[0] != 1 {
		return nil, errors.New("not a sealed secret")
	}
	for _, k := range b.keys {
		n := k.aead.NonceSize()
		if [4]byte(sealed[1:5]) == k.id && len(sealed) >= 5+n {
			return k.aead.Open(nil, sealed[5:5+n], sealed[5+n:], sealed[:5])
		}
	}
	return nil, errors.New("sealed with a key that SENDOFF_SECRET_KEY no longer holds")
}

// Newest reports whether sealed was sealed with the newest key.
func (b *Box) Newest(sealed []byte) bool {
	return b != nil && len(sealed) >= 5 && sealed[0] == 1 && [4]byte(sealed[1:5]) == b.keys[0].id
}
