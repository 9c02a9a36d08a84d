package session_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/admin/session"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	store "github.com/sendoff/sendoff/internal/store/session"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// counted counts the reads of sessions that streams share.
type counted struct {
	*store.Store
	reads atomic.Int64
}

func (c *counted) FindAll(ctx context.Context, tokens [][]byte, idle time.Duration) (map[string]store.User, error) {
	c.reads.Add(1)
	return c.Store.FindAll(ctx, tokens, idle)
}

// Open streams are checked by reads that they share, and end with their own session.
func TestRecheck_StreamsShareReads(t *testing.T) {
	t.Parallel()
	f := open(t)
	c := &counted{Store: store.New(f.db)}
	s := session.New(c)
	ends, stays := f.signIn(), f.signIn()
	began := time.Now()
	for range 500 {
		for _, token := range []string{ends, stays} {
			if u, err := s.Recheck(t.Context(), token); err != nil || u.Email != email || u.Role != "admin" {
				t.Fatalf("%+v, %v", u, err)
			}
		}
	}
	if most := 2 + int64(time.Since(began)/(700*time.Millisecond)); c.reads.Load() > most {
		t.Errorf("%d reads for 1000 checks in %v, want at most %d", c.reads.Load(), time.Since(began), most)
	}
	if err := s.SignOut(t.Context(), ends); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the end of the session", func() bool {
		_, err := s.Recheck(t.Context(), ends)
		return dispatch.CodeOf(err) == dispatch.Unauthorized
	})
	if _, err := s.Recheck(t.Context(), stays); err != nil {
		t.Errorf("the other session: %v", err)
	}
	f.exec(`UPDATE users SET disabled = true`)
	wait.Until(t, "the end of a disabled user's session", func() bool {
		_, err := s.Recheck(t.Context(), stays)
		return dispatch.CodeOf(err) == dispatch.Unauthorized
	})
}

func TestMain(m *testing.M) { storetest.Main(m) }

const (
	email    = "ada@example.com"
	password = "correct horse battery"
	home     = "192.0.2.1"
)

type fixture struct {
	*session.Service
	t  *testing.T
	db *pg.DB
	id string // of the user
}

func open(t *testing.T) *fixture {
	t.Helper()
	db, err := pg.Open(pg.Options{URL: storetest.Postgres(t), MaxConns: 4, Application: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	accounts := account.New(db)
	a, err := accounts.CreateAccount(t.Context(), "One")
	if err != nil {
		t.Fatal(err)
	}
	hash, err := auth.HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	u, err := accounts.CreateUser(t.Context(), a.ID, "Ada", email, "admin", hash)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{session.New(store.New(db)), t, db, u.ID}
}

func (f *fixture) exec(query string, args ...any) {
	f.t.Helper()
	if _, err := f.db.ExecContext(context.Background(), query, args...); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) signIn() string {
	f.t.Helper()
	token, u, err := f.SignIn(f.t.Context(), " Ada@Example.com", password, home)
	if err != nil || u.ID != f.id || len(token) < 40 {
		f.t.Fatalf("sign in: %q, %+v, %v", token, u, err)
	}
	return token
}

func refused(t *testing.T, err error, want dispatch.Code) {
	t.Helper()
	if err == nil || dispatch.CodeOf(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSession_EndsWhenIdle(t *testing.T) {
	t.Parallel()
	f := open(t)
	token := f.signIn()
	if u, err := f.Find(t.Context(), token); err != nil || u.ID != f.id {
		t.Errorf("%+v, %v", u, err)
	}
	f.exec(`UPDATE sessions SET used_at = now() - interval '11 hours 59 minutes'`)
	if _, err := f.Find(t.Context(), token); err != nil {
		t.Errorf("before its end: %v", err)
	}
	f.exec(`UPDATE sessions SET used_at = used_at - interval '11 hours 59 minutes'`)
	if _, err := f.Find(t.Context(), token); err != nil {
		t.Errorf("its use did not prolong it: %v", err)
	}
	f.exec(`UPDATE sessions SET used_at = now() - $1 * interval '1 second'`, int(session.Idle.Seconds())+1)
	_, err := f.Find(t.Context(), token)
	refused(t, err, dispatch.Unauthorized)
	_, err = f.Find(t.Context(), token+"x")
	refused(t, err, dispatch.Unauthorized)
}

func TestSession_SignOutAndDisabledUser_EndIt(t *testing.T) {
	t.Parallel()
	f := open(t)
	one, two := f.signIn(), f.signIn()
	for range 2 { // a repeat does no harm
		if err := f.SignOut(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.Find(t.Context(), one)
	refused(t, err, dispatch.Unauthorized)
	f.exec(`UPDATE users SET disabled = true`)
	_, err = f.Find(t.Context(), two)
	refused(t, err, dispatch.Unauthorized)
	_, _, err = f.SignIn(t.Context(), email, password, home)
	refused(t, err, dispatch.Unauthorized)
}

func TestSignIn_Guesses_AreThrottledByBothAndForgiven(t *testing.T) {
	t.Parallel()
	f := open(t)
	guess := func(address string, times int) {
		for range times {
			_, _, err := f.SignIn(t.Context(), email, "a wrong password", address)
			refused(t, err, dispatch.Unauthorized)
		}
	}
	guess(home, 9)
	f.signIn()
	guess(home, 10)
	_, _, err := f.SignIn(t.Context(), email, password, home)
	refused(t, err, dispatch.RateLimited)
	if after := dispatch.AsError(err).RetryAfter; after < 1 || after > 900 {
		t.Errorf("Retry-After %d", after)
	}
	if _, _, err := f.SignIn(t.Context(), email, password, "192.0.2.2"); err != nil {
		t.Errorf("the owner is locked out from another address: %v", err)
	}
	f.exec(`UPDATE sign_in_failures SET since = since - interval '16 minutes'`)
	f.signIn()
}

func TestChangePassword_EndsOtherSessions(t *testing.T) {
	t.Parallel()
	f := open(t)
	mine, other := f.signIn(), f.signIn()
	refused(t, f.ChangePassword(t.Context(), mine, "wrong", "another password"), dispatch.Invalid)
	refused(t, f.ChangePassword(t.Context(), mine, password, "too short"), dispatch.Invalid)
	if err := f.ChangePassword(t.Context(), mine, password, "another password"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Find(t.Context(), mine); err != nil {
		t.Error(err)
	}
	_, err := f.Find(t.Context(), other)
	refused(t, err, dispatch.Unauthorized)
	_, _, err = f.SignIn(t.Context(), email, password, home)
	refused(t, err, dispatch.Unauthorized)
}

func TestInvitation_WorksOnceAndFor72Hours(t *testing.T) {
	t.Parallel()
	f := open(t)
	first, _, err := f.Invite(t.Context(), f.id)
	if err != nil {
		t.Fatal(err)
	}
	token, until, err := f.Invite(t.Context(), f.id)
	if left := time.Until(until); err != nil || left < 72*time.Hour-time.Minute || left > 72*time.Hour {
		t.Fatalf("valid until %v, %v", until, err)
	}
	_, _, err = f.Accept(t.Context(), first, "another password")
	refused(t, err, dispatch.NotFound)
	begun, u, err := f.Accept(t.Context(), token, "another password")
	if err != nil || u.ID != f.id {
		t.Fatalf("%+v, %v", u, err)
	}
	if _, err := f.Find(t.Context(), begun); err != nil {
		t.Error(err)
	}
	_, _, err = f.Accept(t.Context(), token, "another password")
	refused(t, err, dispatch.NotFound)
	late, _, err := f.Invite(t.Context(), f.id)
	if err != nil {
		t.Fatal(err)
	}
	f.exec(`UPDATE invitations SET expires_at = now() - interval '1 second'`)
	_, _, err = f.Accept(t.Context(), late, "another password")
	refused(t, err, dispatch.NotFound)
}
