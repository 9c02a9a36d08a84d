package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Each change reads a thing, adds to it and writes it: none may undo another.
func TestChange_AtTheSameTime_LoseNothing(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	k, err := f.CreateKey(
		ctx,
		Key{
			Account:     f.account,
			Name:        "k",
			Prefix:      "p",
			Permissions: []string{"manage"},
			PerSecond:   1,
			PerMinute:   1,
			PerDay:      0,
			Active:      true,
		},
		[]byte("hash"),
	)
	must(t, err)
	tpl, err := f.SaveTemplate(
		ctx,
		template.Template{
			Account:         f.account,
			Name:            "t",
			Language:        "en",
			Category:        "utility",
			Status:          "approved",
			ParameterFormat: "positional",
			Components:      []template.Component{},
		},
	)
	must(t, err)
	con, err := f.CreateContact(ctx, Contact{Account: f.account, Phone: "+15550100", Fields: json.RawMessage("{}")})
	must(t, err)
	user, err := f.CreateUser(ctx, f.account, "", "ada@example.com", "owner", "")
	must(t, err)
	other, err := f.CreateUser(ctx, f.account, "", "bo@example.com", "owner", "")
	must(t, err)
	member := func(id, role string) func(*Store) error {
		return func(s *Store) error {
			m, err := s.Member(ctx, f.account, id)
			if err != nil {
				return err
			}
			m.Name, m.Role = m.Name+"x", role
			_, err = s.UpdateMember(ctx, m, "")
			return err
		}
	}
	things := []func(*Store) error{
		func(s *Store) error {
			k, err := s.Key(ctx, f.account, k.ID)
			if err == nil {
				k.PerDay++
				_, err = s.UpdateKey(ctx, k)
			}
			return err
		},
		func(s *Store) error {
			ch, err := s.Channel(ctx, f.channel)
			if err == nil {
				ch.Name += "x"
				_, err = s.UpdateChannel(ctx, ch)
			}
			return err
		},
		func(s *Store) error {
			t, err := s.Template(ctx, f.account, tpl.ID)
			if err == nil {
				t.ProviderTemplateID += "x"
				_, err = s.SaveTemplate(ctx, t)
			}
			return err
		},
		func(s *Store) error {
			c, err := s.Contact(ctx, f.account, con.ID)
			if err == nil {
				c.Name += "x"
				_, err = s.UpdateContact(ctx, c)
			}
			return err
		},
		member(user.ID, "owner"),
		member(other.ID, "admin"), // looks at the owners
	}
	const writers, rounds = 4, 10
	var all sync.WaitGroup
	for range writers {
		for _, thing := range things {
			all.Go(func() {
				for range rounds {
					if err := f.Change(ctx, "test", func(s *Store) (Note, error) {
						return Note{Account: f.account, Action: "test"},
							thing(s)
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	k, err = f.Key(ctx, f.account, k.ID)
	must(t, err)
	ch, err := f.Channel(ctx, f.channel)
	must(t, err)
	tpl, err = f.Template(ctx, f.account, tpl.ID)
	must(t, err)
	con, err = f.Contact(ctx, f.account, con.ID)
	must(t, err)
	m, err := f.Member(ctx, f.account, user.ID)
	must(t, err)
	const n = writers * rounds
	if k.PerDay != n || len(ch.Name) != len("meta")+n || len(tpl.ProviderTemplateID) != n || len(con.Name) != n || len(m.Name) != n {
		t.Errorf(
			"of %d changes each: key %d, channel %d, template %d, contact %d, user %d",
			n,
			k.PerDay,
			len(ch.Name)-len("meta"),
			len(tpl.ProviderTemplateID),
			len(con.Name),
			len(m.Name),
		)
	}
	if log, _, err := f.AuditLog(ctx, f.account, AuditFilter{Actor: "test", Limit: 1000}); err != nil || len(log) != n*len(things) ||
		time.Since(log[0].At) > time.Hour {
		t.Errorf("%d entries, %v", len(log), err)
	}
}

// Of two changes that wait for each other one is undone and made again.
func TestChange_Deadlock_IsRepeated(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	var runs atomic.Int32
	var all sync.WaitGroup
	locked := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	for i := range locked {
		first := sync.OnceFunc(func() { close(locked[i]) })
		all.Go(func() {
			err := f.Change(ctx, "test", func(s *Store) (Note, error) {
				runs.Add(1)
				for _, lock := range []int{i, 1 - i} {
					if _, err := s.Tx().ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lock); err != nil {
						return Note{}, pg.Wrap("lock", err)
					}
					first()
					select {
					case <-locked[1-i]:
					case <-time.After(30 * time.Second):
						return Note{}, errors.New("the other change has locked nothing")
					}
				}
				return Note{Account: f.account, Action: fmt.Sprint("test", i)}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if runs.Load() != 3 {
		t.Errorf("two changes ran %d times, want one of them twice", runs.Load())
	}
	for i := range locked {
		if log, _, err := f.AuditLog(ctx, f.account, AuditFilter{Action: fmt.Sprint("test", i), Limit: 10}); err != nil || len(log) != 1 {
			t.Errorf("change %d has %d entries, %v", i, len(log), err)
		}
	}
}
