package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider/twilio"
)

// secretPrefix begins a secret, as Standard Webhooks requires.
const secretPrefix = "whsec_"

// NewSecret returns a secret of 32 random bytes.
func NewSecret() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(raw[:])
}

// CheckSecret returns what is wrong with a secret that a customer brings along, so
// that a receiver built for a vendor stays as it is.
func CheckSecret(format, secret string) error {
	if format == Meta || format == Twilio {
		if len(secret) < 8 || len(secret) > 255 || strings.TrimSpace(secret) != secret {
			return errors.New("must have 8 to 255 characters")
		}
		return nil
	}
	key, err := secretKey(secret)
	if err != nil || len(key) < 24 || len(key) > 64 {
		return errors.New("must be whsec_ and 24 to 64 bytes in base64")
	}
	return nil
}

func secretKey(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return nil, errors.New("secret does not begin with " + secretPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("secret is not base64") // err quotes it
	}
	return key, nil
}

// signature is the value of webhook-signature under one secret
// (github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
func signature(secret, id string, at time.Time, payload string) (string, error) {
	key, err := secretKey(secret)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), payload)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// sign sets the headers of one request. Every format carries webhook-id, which
// stays the same over all tries. Meta and Twilio have room for one signature
// only, so there a new secret counts at once; Kaleyra signs nothing itself, and
// gets Standard Webhooks' signature.
func sign(h http.Header, format, address, secret string, olds dispatch.OldSecrets, id string, at time.Time, payload string) error {
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	switch format {
	case Meta:
		h.Set("Content-Type", "application/json")
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(payload))
		h.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		return nil
	case Twilio:
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		h.Set("I-Twilio-Idempotency-Token", id)
		form, err := url.ParseQuery(payload)
		if err != nil {
			return fmt.Errorf("read payload: %w", err)
		}
		h.Set(twilio.SignatureHeader, twilio.Sign(secret, address, form))
		return nil
	}
	h.Set("Content-Type", "application/json")
	sigs, err := signature(secret, id, at, payload)
	if err != nil {
		return err
	}
	for _, old := range olds {
		if more, err := signature(old.Secret, id, at, payload); err == nil { // of another format before
			sigs += " " + more
		}
	}
	h.Set("Webhook-Signature", sigs)
	return nil
}
