package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The check asks Postgres every ten seconds, names what can't be opened, and stays
// as it was while Postgres is away.
func TestSealedSecrets_NamesWhatCannotBeOpened(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var names []string
		var away error
		asked := 0
		s := &sealedSecrets{find: func(context.Context) ([]string, error) {
			asked++
			return names, away
		}}
		step := func(want string) {
			t.Helper()
			got := ""
			if err := s.check(t.Context()); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		const fault = "no key of SENDOFF_SECRET_KEY opens the secrets of channel 3, webhook 5"
		step("")
		names = []string{"channel 3", "webhook 5"}
		step("") // asked a moment ago
		time.Sleep(secretsEvery)
		step(fault)
		names, away = nil, errors.New("postgres is away")
		time.Sleep(secretsEvery)
		step(fault)
		away = nil
		step("")
		if asked != 4 {
			t.Errorf("asked %d times", asked)
		}
	})
}
