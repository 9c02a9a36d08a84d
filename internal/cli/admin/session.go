package admin

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// flags is what the commands of administration have in common: they work on
// the database itself and need no running front door.
type flags struct {
	PostgresURL config.Secret `name:"postgres-url" env:"SENDOFF_POSTGRES_URL" help:"Postgres, as postgres://user:password@host:5432/sendoff?sslmode=verify-full." placeholder:"URL"`
	SecretKey   config.Secret `name:"secret-key" env:"SENDOFF_SECRET_KEY" help:"Seals provider credentials: the same as that of serve and work." placeholder:"TEXT"`
	Account     string        `env:"SENDOFF_ACCOUNT" help:"Account, by id, sid or name. Default: the only one." placeholder:"ACCOUNT"`
	JSON        bool          `name:"json" help:"For machines."`
}

const DevHint = "for sendoff dev: set -a; . .sendoff/dev.env; set +a"

// session is an open database, and the account that a command is about.
type session struct {
	*account.Store
	env     *console.Env
	json    bool
	account account.Account
}

// open runs f with the database and no account.
func (a *flags) open(e *console.Env, f func(*session) error) (err error) {
	if a.PostgresURL == "" {
		return fmt.Errorf("%w: postgres-url (SENDOFF_POSTGRES_URL) is required; %s", console.ErrUsage, DevHint)
	}
	o := pg.Options{URL: string(a.PostgresURL), MaxConns: 2, Application: "sendoff-cli"}
	if a.SecretKey != "" {
		if o.Box, err = pg.NewBox(strings.Split(string(a.SecretKey), ",")...); err != nil {
			return fmt.Errorf("%w: secret-key (SENDOFF_SECRET_KEY): %w", console.ErrUsage, err)
		}
	}
	db, err := pg.Open(o)
	if err != nil {
		return fmt.Errorf("%w: postgres-url (SENDOFF_POSTGRES_URL): %w", console.ErrUsage, err)
	}
	defer func() { err = errors.Join(explain(err), db.Close()) }()
	return f(&session{Store: account.New(db), env: e, json: a.JSON})
}

// with runs f with the database and the account.
func (a *flags) with(e *console.Env, f func(*session) error) error {
	return a.open(e, func(s *session) (err error) {
		if s.account, err = s.find(a.Account); err != nil {
			return err
		}
		return f(s)
	})
}

// sealed is with, for commands that read or write credentials.
func (a *flags) sealed(e *console.Env, f func(*session) error) error {
	if a.SecretKey == "" {
		return fmt.Errorf("%w: secret-key (SENDOFF_SECRET_KEY) is required, the same as that of serve and work; %s", console.ErrUsage, DevHint)
	}
	return a.with(e, f)
}

// explain says what to do about a database that can't be used.
func explain(err error) error {
	if pg.NoTables(err) {
		return fmt.Errorf("the database has no tables yet; run: sendoff migrate up (%w)", err)
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("postgres does not answer; look at postgres-url (SENDOFF_POSTGRES_URL) and at the server: %w", err)
	}
	return err
}

// find gives the account that ref names by id, sid or name; without ref the
// only one there is.
func (s *session) find(ref string) (account.Account, error) {
	all, err := s.Accounts(s.env.Ctx)
	if err != nil {
		return account.Account{}, err
	}
	var hits, names []string
	var hit account.Account
	for _, a := range all {
		names = append(names, fmt.Sprintf("%d (%s)", a.ID, a.Name))
		if ref == "" || ref == strconv.FormatInt(a.ID, 10) || ref == a.SID || ref == a.Name {
			hit, hits = a, append(hits, names[len(names)-1])
		}
	}
	switch {
	case len(hits) == 1:
		return hit, nil
	case len(all) == 0:
		return hit, errors.New("there is no account yet; make one with: sendoff account create NAME")
	case len(hits) == 0:
		return hit, fmt.Errorf("there is no account %q; there are: %s", ref, strings.Join(names, ", "))
	}
	return hit, fmt.Errorf("there are %d accounts; say which with --account ID (or SENDOFF_ACCOUNT): %s", len(hits), strings.Join(hits, ", "))
}

// circuits returns the circuits of the channels, within the change if there is one.
func (s *session) circuits() *store.Store { return store.New(s.Tx()) }

// change makes a change and notes it in the audit log, both or neither; f works
// on the database as it is within the change.
func (s *session) change(f func(*session) (account.Note, error)) error {
	return s.Change(s.env.Ctx, "cli", func(st *account.Store) (account.Note, error) {
		within := *s
		within.Store = st
		n, err := f(&within)
		if n.Account == 0 {
			n.Account = s.account.ID
		}
		return n, err
	})
}

// note is a change of a thing of ours, such as channel 12.
func note(action, noun string, n int64, detail any) account.Note {
	return account.Note{Action: noun + "." + action, Target: noun + ":" + id(n), Detail: detail}
}

// missing turns "not found" into a sentence that says where to look.
func (s *session) missing(err error, noun, ref string) error {
	if dispatch.CodeOf(err) != dispatch.NotFound {
		return err
	}
	return fmt.Errorf("account %d (%s) has no %s %s; list them with: sendoff %s list", s.account.ID, s.account.Name, noun, ref, noun)
}

// say prints v for machines, or the line for people.
func (s *session) say(v any, format string, args ...any) error {
	if s.json {
		return console.PrintJSON(s.env.Stdout, v)
	}
	fmt.Fprintf(s.env.Stdout, format+"\n", args...)
	return nil
}

// table prints v for machines, or rows under a head for people.
func (s *session) table(v any, head string, rows [][]string) error {
	if s.json {
		return console.PrintJSON(s.env.Stdout, v)
	}
	return console.PrintTable(s.env.Stdout, head, rows)
}

// confirmed asks for --yes before what can't be taken back.
func confirmed(yes bool, what string) error {
	if yes {
		return nil
	}
	return fmt.Errorf("%w: %s; repeat with --yes", console.ErrUsage, what)
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

// yesNo writes a truth for people.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
