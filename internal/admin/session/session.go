// Package session holds the use cases of the dashboard's sessions: sign in and
// out, passwords, invitations.
package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	store "github.com/sendoff/sendoff/internal/store/session"
)

const (
	// Idle is how long a session is valid without being used.
	Idle = 12 * time.Hour
	// touch is how exactly the last use is kept.
	touch = time.Minute
	// invitation is how long an invitation is valid.
	invitation = 72 * time.Hour
)

// Store keeps sessions. FindAll returns users by the token's hash. Find, ByEmail and Accept return an error with the code
// dispatch.NotFound if there is nothing.
type Store interface {
	Find(ctx context.Context, token []byte, idle time.Duration) (store.User, error)
	FindAll(ctx context.Context, tokens [][]byte, idle time.Duration) (map[string]store.User, error)
	Touch(ctx context.Context, token []byte) error
	ByEmail(ctx context.Context, email string) (store.User, error)
	Create(ctx context.Context, token []byte, user string, idle time.Duration) error
	Delete(ctx context.Context, token []byte) error
	SetPassword(ctx context.Context, user, hash string, token []byte) error
	Invite(ctx context.Context, token []byte, user string, until time.Time) error
	Accept(ctx context.Context, token []byte, passwordHash string) (store.User, error)
	Failures(ctx context.Context, period time.Duration, who ...string) (map[string]int, time.Time, error)
	Fail(ctx context.Context, period time.Duration, who ...string) error
	Forgive(ctx context.Context, who ...string) error
}

// Service signs users in and out.
type Service struct {
	store Store
	watch watch
}

// New returns a Service.
func New(s Store) *Service {
	return &Service{s, watch{make(chan struct{}, 1), map[string]*watched{}}}
}

// newToken returns a secret and the hash by which it is stored.
func newToken() (token string, hash []byte) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	token = base64.RawURLEncoding.EncodeToString(raw)
	return token, hashOf(token)
}

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Find returns the user of a session's token. It returns an error with the code
// dispatch.Unauthorized if the session does not exist or has ended.
func (s *Service) Find(ctx context.Context, token string) (store.User, error) {
	u, err := s.store.Find(ctx, hashOf(token), Idle)
	if err != nil && dispatch.CodeOf(err) == dispatch.NotFound {
		return u, errEnded
	}
	if err == nil && time.Since(u.UsedAt) > touch {
		err = s.store.Touch(ctx, hashOf(token))
	}
	return u, err
}

// SignIn begins a session and returns its token. address is the client's, for the
// throttle.
func (s *Service) SignIn(ctx context.Context, email, password, address string) (string, store.User, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	who := throttled(email, address)
	if err := s.throttle(ctx, who); err != nil {
		return "", store.User{}, err
	}
	u, err := s.store.ByEmail(ctx, email)
	if err != nil && dispatch.CodeOf(err) != dispatch.NotFound {
		return "", u, err
	}
	if right, err := auth.VerifyPassword(ctx, u.PasswordHash, password); err != nil {
		return "", u, err
	} else if !right {
		if err := s.store.Fail(ctx, period, who[:]...); err != nil {
			return "", u, err
		}
		return "", u, &dispatch.Error{Code: dispatch.Unauthorized, Reason: "password", Msg: "the e-mail address or the password is wrong"}
	}
	if err := s.store.Forgive(ctx, who[both], who[byEmail]); err != nil {
		return "", u, err
	}
	token, err := s.begin(ctx, u.ID)
	return token, u, err
}

// begin creates a session of a user.
func (s *Service) begin(ctx context.Context, user string) (string, error) {
	token, hash := newToken()
	return token, s.store.Create(ctx, hash, user, Idle)
}

// SignOut ends a session.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.store.Delete(ctx, hashOf(token))
}

// ChangePassword replaces the password of the session's user and ends the user's
// other sessions.
func (s *Service) ChangePassword(ctx context.Context, token, current, password string) error {
	u, err := s.Find(ctx, token)
	if err != nil {
		return err
	}
	if right, err := auth.VerifyPassword(ctx, u.PasswordHash, current); err != nil {
		return err
	} else if !right {
		return dispatch.InvalidField("/current_password", "is wrong")
	}
	hash, err := s.newHash(ctx, "/new_password", password)
	if err != nil {
		return err
	}
	return s.store.SetPassword(ctx, u.ID, hash, hashOf(token))
}

// newHash checks a new password and returns its hash.
func (s *Service) newHash(ctx context.Context, at, password string) (string, error) {
	if n := len([]rune(password)); n < 10 || n > 200 {
		return "", dispatch.InvalidField(at, "must have 10 to 200 characters")
	}
	return auth.HashPassword(ctx, password)
}

// Invite returns the token of a one-time link for a user, and when it expires.
func (s *Service) Invite(ctx context.Context, user string) (token string, until time.Time, err error) {
	token, hash := newToken()
	until = time.Now().Add(invitation).UTC().Truncate(time.Second)
	return token, until, s.store.Invite(ctx, hash, user, until)
}

// Accept uses an invitation up, sets the user's password, and begins a session.
func (s *Service) Accept(ctx context.Context, token, password string) (string, store.User, error) {
	hash, err := s.newHash(ctx, "/password", password)
	if err != nil {
		return "", store.User{}, err
	}
	u, err := s.store.Accept(ctx, hashOf(token), hash)
	if err != nil && dispatch.CodeOf(err) == dispatch.NotFound {
		return "", u, dispatch.Errorf(dispatch.NotFound, "the invitation was used already or has expired; ask for a new one")
	}
	if err != nil {
		return "", u, err
	}
	begun, err := s.begin(ctx, u.ID)
	return begun, u, err
}
