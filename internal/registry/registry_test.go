package registry

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

func openStore(t *testing.T, address string) *account.Store {
	t.Helper()
	db := storetest.Open(t, address, 4)
	return account.New(db)
}

// key creates an account with a key and returns the key and the hash of its
// secret.
func key(t *testing.T, s *account.Store) (account.Key, [32]byte) {
	t.Helper()
	a, err := s.CreateAccount(t.Context(), "Test")
	must(t, err)
	hash := sha256.Sum256([]byte(t.Name()))
	k, err := s.CreateKey(
		t.Context(),
		account.Key{
			Account: a.ID, Name: "k", Prefix: "sk", Active: true, Permissions: []string{"send_text"}, PerSecond: 1, PerMinute: 1, PerDay: 1,
		},
		hash[:],
	)
	must(t, err)
	return k, hash
}

// follow runs a registry until the test ends.
func follow(t *testing.T, s *account.Store) *Registry {
	t.Helper()
	r := New(s, store.New(s.Tx()), nil, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	wait.For(t, 10*time.Second, func() error {
		if !r.fresh() {
			return fmt.Errorf("not polled yet")
		}
		return nil
	})
	return r
}

// Nobody acts on a state older than a second: the key is used all the time, so
// that it is always cached.
func TestKey_Disabled_RefusedWithinASecond(t *testing.T) {
	t.Parallel()
	s := openStore(t, storetest.Postgres(t))
	k, hash := key(t, s)
	r := follow(t, s)
	got, err := r.Key(t.Context(), hash)
	if err != nil || !got.Active {
		t.Fatalf("active %v, %v", got.Active, err)
	}
	k.Active = false
	_, err = s.UpdateKey(t.Context(), k)
	must(t, err)
	changed := time.Now()
	var last time.Time // when a look that still found it active began
	wait.For(t, 10*time.Second, func() error {
		began := time.Now()
		got, err := r.Key(t.Context(), hash)
		if err == nil && got.Active {
			last = began
			return fmt.Errorf("still active %v after the change", began.Sub(changed))
		}
		return err
	})
	if old := last.Sub(changed); old > time.Second {
		t.Errorf("found active %v after the change", old)
	}
}

func TestKey_Deleted_RefusedWithinASecond(t *testing.T) {
	t.Parallel()
	s := openStore(t, storetest.Postgres(t))
	k, hash := key(t, s)
	r := follow(t, s)
	_, err := r.Key(t.Context(), hash)
	must(t, err)
	must(t, s.DeleteKey(t.Context(), k.Account, k.ID))
	changed := time.Now()
	var last time.Time
	wait.For(t, 10*time.Second, func() error {
		began := time.Now()
		if _, err := r.Key(t.Context(), hash); dispatch.CodeOf(err) != dispatch.NotFound || err == nil {
			last = began
			return fmt.Errorf("still there: %w", err)
		}
		return nil
	})
	if old := last.Sub(changed); old > time.Second {
		t.Errorf("found %v after it was deleted", old)
	}
}

func TestAccount_Disabled_SeenWithinASecond(t *testing.T) {
	t.Parallel()
	s := openStore(t, storetest.Postgres(t))
	k, _ := key(t, s)
	r := follow(t, s)
	if a, err := r.Account(t.Context(), k.Account); err != nil || a.DisabledAt != nil {
		t.Fatalf("disabled since %v, %v", a.DisabledAt, err)
	}
	for _, disabled := range []bool{true, false} {
		_, err := s.SetDisabled(t.Context(), k.Account, disabled)
		must(t, err)
		changed := time.Now()
		var last time.Time // when a look that saw it as before began
		wait.For(t, 10*time.Second, func() error {
			began := time.Now()
			a, err := r.Account(t.Context(), k.Account)
			if err == nil && (a.DisabledAt != nil) != disabled {
				last = began
				return fmt.Errorf("as before %v after the change", began.Sub(changed))
			}
			return err
		})
		if old := last.Sub(changed); old > time.Second {
			t.Errorf("found as before %v after the change", old)
		}
	}
}

// An unknown key is cached as unknown; created a moment later, it is accepted
// within a second.
func TestKey_MadeAfterAMiss_IsFound(t *testing.T) {
	t.Parallel()
	s := openStore(t, storetest.Postgres(t))
	r := follow(t, s)
	hash := sha256.Sum256([]byte(t.Name()))
	if _, err := r.Key(t.Context(), hash); dispatch.CodeOf(err) != dispatch.NotFound {
		t.Fatalf("an unknown key: %v", err)
	}
	key(t, s)
	wait.For(t, 20*time.Second, func() error { _, err := r.Key(t.Context(), hash); return err })
}

// Without a poll the cache is not used: every call reads the database.
func TestKey_NotPolled_ReadsThrough(t *testing.T) {
	t.Parallel()
	s := openStore(t, storetest.Postgres(t))
	k, hash := key(t, s)
	r := New(s, store.New(s.Tx()), nil, slog.New(slog.DiscardHandler)) // nobody runs it
	for _, active := range []bool{true, false, true} {
		k.Active = active
		_, err := s.UpdateKey(t.Context(), k)
		must(t, err)
		if got, err := r.Key(t.Context(), hash); err != nil || got.Active != active {
			t.Errorf("active %v (%v), want %v at once", got.Active, err, active)
		}
	}
}

// While the database is away a cached key is not accepted.
func TestKey_DatabaseAway_NothingIsBelievedForLong(t *testing.T) {
	t.Parallel()
	address := storetest.Postgres(t)
	_, hash := key(t, openStore(t, address))
	gate, through := proxy(t, address)
	s := openStore(t, through)
	r := follow(t, s)
	_, err := r.Key(t.Context(), hash)
	must(t, err)
	gate.close()
	wait.For(t, 20*time.Second, func() error {
		if _, err := r.Key(t.Context(), hash); err == nil {
			return fmt.Errorf("still believed")
		}
		return nil
	})
	gate.open()
	wait.For(t, 20*time.Second, func() error { _, err := r.Key(t.Context(), hash); return err })
}

// gate lets connections pass, or not.
type gate struct {
	shut  atomic.Bool
	conns chan net.Conn
}

func (g *gate) open() { g.shut.Store(false) }

// close closes the open connections and refuses new ones.
func (g *gate) close() {
	g.shut.Store(true)
	for {
		select {
		case c := <-g.conns:
			_ = c.Close()
		default:
			return
		}
	}
}

// proxy listens in front of a Postgres and returns the address to use instead.
func proxy(t *testing.T, address string) (*gate, string) {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	target := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	g := &gate{conns: make(chan net.Conn, 1000)}
	t.Cleanup(func() { _ = l.Close(); g.close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if g.shut.Load() {
				_ = c.Close()
				continue
			}
			g.conns <- c
			go pipe(c, target)
		}
	}()
	u.Host = l.Addr().String()
	return g, u.String()
}

func pipe(c net.Conn, target string) {
	defer func() { _ = c.Close() }()
	up, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(up, c)
		_ = up.Close()
	}()
	_, _ = io.Copy(c, up)
	_ = c.Close()
	<-done
}

// Guessed keys are remembered as missing, up to a bound, and push out none that
// exists.
func TestCache_ManyMissing_KeepsWhatExists(t *testing.T) {
	t.Parallel()
	var c cache[int, string]
	c.put(-1, entry[string]{v: "there"})
	for i := range 3*maxMissing + 5 {
		c.put(i, entry[string]{err: dispatch.ErrNotFound})
	}
	if e, ok := c.get(-1); !ok || e.v != "there" {
		t.Errorf("what exists: %+v, %v", e, ok)
	}
	if e, ok := c.get(3*maxMissing + 4); !ok || e.err == nil || len(c.missing) > maxMissing {
		t.Errorf("the last missing one: %+v, %v, %d remembered", e, ok, len(c.missing))
	}
	c.clear()
	if _, ok := c.get(-1); ok {
		t.Error("cleared, and still there")
	}
}
