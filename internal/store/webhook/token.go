package webhook

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// StatusCallbackToken signs the status callbacks that an account requests with
// a message (Twilio's StatusCallback), where Twilio uses the account's auth
// token: of our API keys only a hash is kept. It is made at first use.
func (s *Store) StatusCallbackToken(ctx context.Context, account int64) (string, error) {
	row := pg.Row("accounts", account)
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	sealed, err := s.db.Box().Seal([]byte(hex.EncodeToString(raw[:])), row)
	if err != nil {
		return "", err
	}
	if _, err := s.db.ExecContext(ctx, `UPDATE accounts SET twilio_token = $2
	  WHERE id = $1 AND twilio_token IS NULL`, account, sealed); err != nil {
		return "", pg.Wrap("keep twilio token", err)
	}
	if err := s.db.GetContext(ctx, &sealed, `SELECT twilio_token FROM accounts WHERE id = $1`, account); err != nil {
		return "", pg.Wrap("read twilio token", err)
	}
	plain, err := s.db.Box().Open(sealed, row)
	if err != nil {
		return "", fmt.Errorf("open twilio token of account %d: %w", account, err)
	}
	return string(plain), nil
}
