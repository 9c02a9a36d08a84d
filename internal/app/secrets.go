package app

import (
	"context"
	"strings"
	"sync"
	"time"
)

// sealedSecrets checks that the keys of this process open what is encrypted.
type sealedSecrets struct {
	find func(ctx context.Context) ([]string, error)

	mu      sync.Mutex
	checked time.Time
	err     error
}

// secretsEvery is how old the answer of a check may be.
const secretsEvery = 10 * time.Second

// unreadable is the fault of secrets that no key opens.
type unreadable struct{ names []string }

func (u unreadable) Error() string { return u.Fault() }

// Fault returns a sentence for probes.
func (u unreadable) Fault() string {
	return "no key of SENDOFF_SECRET_KEY opens the secrets of " + strings.Join(u.names, ", ")
}

// check returns an error that names what can't be opened. If Postgres does not
// answer, which others report, it returns what it knows.
func (s *sealedSecrets) check(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.checked) < secretsEvery {
		return s.err
	}
	if names, err := s.find(ctx); err == nil {
		s.checked, s.err = time.Now(), nil
		if len(names) > 0 {
			s.err = unreadable{names}
		}
	}
	return s.err
}
