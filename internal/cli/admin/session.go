// Package admin holds the commands of administration: flags that become inputs
// of the use cases in internal/admin, and tables of their results. They work on
// Postgres itself and need no running API.
package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// flags are those of every command of administration.
type flags struct {
	PostgresURL config.Secret `name:"postgres-url" env:"SENDOFF_POSTGRES_URL" help:"${config_postgresurl}" placeholder:"URL"`
	SecretKey   config.Secret `name:"secret-key" env:"SENDOFF_SECRET_KEY" help:"${admin_flags_secretkey}" placeholder:"TEXT"`
	Account     string        `env:"SENDOFF_ACCOUNT" help:"Account, by id, sid or name. Default: the only one." placeholder:"ACCOUNT"`
	JSON        bool          `name:"json" help:"Print JSON, as the API returns it."`
}

// DevHint is the advice for the settings of sendoff dev.
const DevHint = "for sendoff dev: set -a; . .sendoff/dev.env; set +a"

// session is an open database and the account that a command works on.
type session struct {
	*admin.Service
	db      *pg.DB
	env     *console.Env
	json    bool
	account *admin.Account
	who     admin.Actor
}

// open runs f with the database and without an account.
func (c *flags) open(e *console.Env, f func(*session) error) error { return c.openAt(e, "", nil, f) }

// openAt is open for commands that work on channels: public is the address of the
// API, allow the networks in which a provider may be.
func (c *flags) openAt(e *console.Env, public string, allow config.Networks, f func(*session) error) (err error) {
	if c.PostgresURL == "" {
		return fmt.Errorf("%w: postgres-url (SENDOFF_POSTGRES_URL) is required; %s", console.ErrUsage, DevHint)
	}
	o := pg.Options{URL: string(c.PostgresURL), MaxConns: 2, Application: "sendoff-cli"}
	if c.SecretKey != "" {
		if o.Box, err = pg.NewBox(strings.Split(string(c.SecretKey), ",")...); err != nil {
			return fmt.Errorf("%w: secret-key (SENDOFF_SECRET_KEY): %w", console.ErrUsage, err)
		}
	}
	db, err := pg.Open(o)
	if err != nil {
		return fmt.Errorf("%w: postgres-url (SENDOFF_POSTGRES_URL): %w", console.ErrUsage, err)
	}
	defer db.Close()
	return explain(f(&session{Service: app.Admin(db, public, allow), db: db, env: e, json: c.JSON, who: admin.CLI(0)}))
}

// with runs f with the database and the account.
func (c *flags) with(e *console.Env, f func(*session) error) error { return c.withAt(e, "", nil, f) }

// withAt is with for commands that work on channels, as openAt.
func (c *flags) withAt(e *console.Env, public string, allow config.Networks, f func(*session) error) error {
	return c.openAt(e, public, allow, func(s *session) (err error) {
		if s.account, err = s.find(c.Account); err != nil {
			return err
		}
		s.who = admin.CLI(s.account.ID)
		s.who.Region = s.account.Region
		return f(s)
	})
}

// sealed returns a usage error without the secret key: the command reads or
// writes credentials.
func (c *flags) sealed() error {
	if c.SecretKey == "" {
		return fmt.Errorf("%w: secret-key (SENDOFF_SECRET_KEY) is required, the same as that of serve and work; %s", console.ErrUsage, DevHint)
	}
	return nil
}

// explain adds what to do about a database that can't be used.
func explain(err error) error {
	if pg.NoTables(err) {
		return fmt.Errorf("the database has no tables yet; run: sendoff migrate up (%w)", err)
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("postgres does not answer; check postgres-url (SENDOFF_POSTGRES_URL) and the server: %w", err)
	}
	return err
}

// ctx returns the context of the command.
func (s *session) ctx() context.Context { return s.env.Ctx }

// find returns the account with the id, sid or name; without ref, the only one
// there is.
func (s *session) find(ref string) (*admin.Account, error) {
	all, err := s.Accounts(s.ctx())
	if err != nil {
		return nil, err
	}
	var hits, names []string
	var hit *admin.Account
	for _, a := range all.Data {
		names = append(names, fmt.Sprintf("%d (%s)", a.ID, a.Name))
		if ref == "" || ref == id(a.ID) || ref == a.SID || ref == a.Name {
			hit, hits = a, append(hits, names[len(names)-1])
		}
	}
	switch {
	case len(hits) == 1:
		return hit, nil
	case len(names) == 0:
		return nil, dispatch.Errorf(dispatch.NotFound, "there is no account yet; create one with: sendoff account create NAME")
	case len(hits) == 0:
		return nil, dispatch.Errorf(dispatch.NotFound, "there is no account %q; there are: %s", ref, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("there are %d accounts; choose one with --account ID (or SENDOFF_ACCOUNT): %s", len(hits), strings.Join(hits, ", "))
}

// missing adds to dispatch.NotFound which record is missing and where to look.
func (s *session) missing(err error, noun, ref string) error {
	if err == nil || dispatch.CodeOf(err) != dispatch.NotFound {
		return err
	}
	return console.Explain(err, fmt.Sprintf("account %d (%s) has no %s %s; list them with: sendoff %s list",
		s.account.ID, s.account.Name, noun, ref, noun))
}

// print prints v as JSON, or the line for people.
func (s *session) print(v any, format string, args ...any) error {
	if s.json {
		return console.PrintJSON(s.env.Stdout, v)
	}
	fmt.Fprintf(s.env.Stdout, format+"\n", args...)
	return nil
}

// table prints v as JSON, or rows under a head for people.
func (s *session) table(v any, head string, rows [][]string) error {
	if s.json {
		return console.PrintJSON(s.env.Stdout, v)
	}
	return console.PrintTable(s.env.Stdout, head, rows)
}

// deleted is what a command prints that deleted a record.
type deleted struct {
	ID      any  `json:"id"`
	Deleted bool `json:"deleted"`
}

// confirmed returns a usage error without --yes.
func confirmed(yes bool, what string) error {
	if yes {
		return nil
	}
	return fmt.Errorf("%w: %s; repeat with --yes", console.ErrUsage, what)
}

// requireChange returns a usage error for an input without a field to change.
func requireChange(in any, command string) error {
	if reflect.ValueOf(in).IsZero() {
		return fmt.Errorf("%w: nothing to change was given; see sendoff %s --help", console.ErrUsage, command)
	}
	return nil
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

// yesNo formats b for people.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// optional returns nil for an empty flag.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
