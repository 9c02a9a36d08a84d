package api

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch/template"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/api/message"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/registry"
)

// Lister lists messages.
type Lister interface {
	ListMessages(ctx context.Context, account int64, f dispatch.Filter) (dispatch.ViewPage, error)
}

// Directory looks up an account's templates and users, cached.
type Directory interface {
	Templates(ctx context.Context, account int64) (*registry.Templates, error)
	Users(ctx context.Context, account int64) ([]dispatch.User, error)
	Channels(ctx context.Context, account int64) ([]*dispatch.Channel, error)
}

// Profiles returns what an account shows of itself.
type Profiles interface {
	Account(ctx context.Context, who admin.Actor) (*admin.Account, error)
}

// reader reads what dialects show of an account, to a test key of messages those
// of test keys only.
type reader struct {
	test      bool
	views     *message.Views
	messages  Lister
	directory Directory
	profiles  Profiles
}

var _ dialect.Reader = reader{}

// Message returns a message of the account.
func (r reader) Message(ctx context.Context, account int64, id dispatch.ID) (dispatch.View, error) {
	v, err := r.views.Of(ctx, account, id)
	if err != nil {
		return dispatch.View{}, err
	}
	if r.test && !v.Test {
		return dispatch.View{}, dispatch.ErrNotFound
	}
	return *v, nil
}

// Messages returns messages of the account, newest first.
func (r reader) Messages(ctx context.Context, account int64, f dispatch.Filter) (dispatch.ViewPage, error) {
	f.Test = r.test
	p, err := r.messages.ListMessages(ctx, account, f)
	return p, middleware.ReadError(err)
}

// Templates returns the account's templates.
func (r reader) Templates(ctx context.Context, account int64) ([]template.Template, error) {
	ts, err := r.directory.Templates(ctx, account)
	if err != nil {
		return nil, middleware.ReadError(err)
	}
	return ts.All, nil
}

// Users returns the account's users.
func (r reader) Users(ctx context.Context, account int64) ([]dispatch.User, error) {
	us, err := r.directory.Users(ctx, account)
	return us, middleware.ReadError(err)
}

// Channels returns the account's channels.
func (r reader) Channels(ctx context.Context, account int64) ([]*dispatch.Channel, error) {
	cs, err := r.directory.Channels(ctx, account)
	return cs, middleware.ReadError(err)
}

// Profile returns what the account shows of itself.
func (r reader) Profile(ctx context.Context, account int64) (dialect.Profile, error) {
	a, err := r.profiles.Account(ctx, admin.Actor{Account: account})
	if err != nil {
		return dialect.Profile{}, middleware.ReadError(err)
	}
	return dialect.Profile{Name: a.Name, Balance: a.Balance.String(), Disabled: a.DisabledAt != nil, Created: a.CreatedAt}, nil
}
