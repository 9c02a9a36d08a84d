// Package admin holds the use cases of administration, one file a noun: inputs,
// defaults, limits, validation and the entry in the audit log. The API, the
// command line and the dashboard only translate between their own form and the
// inputs and results of this package, whose JSON is the same everywhere.
package admin

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store/account"
)

// Actor is who works on an account.
type Actor struct {
	Account int64
	Name    string // in the audit log: key:12, cli
	Test    bool   // a test key: it makes no calls to providers
	May     auth.Permissions
	Region  string // whose national numbers are accepted; "": none
	// NoOwner is set for users who may not make, change or remove owners.
	NoOwner bool
	// Faults were found when the input was read. A use case then changes nothing and
	// only looks for more of them: a client is told of all at once.
	Faults dispatch.Faults
}

// Probe calls the use case f with an input in which its reader has found the faults. With any,
// f changes nothing, and the error has those that f finds besides: its code is that of f's refusal.
func Probe[O any](who Actor, faults dispatch.Faults, f func(Actor) (O, error)) (out O, err error) {
	if len(faults) == 0 {
		return f(who)
	}
	if faults[0].Field == "" { // the input is no object
		return out, faults.Err()
	}
	who.Faults = faults
	_, err = f(who)
	refusal, ok := errors.AsType[*dispatch.Error](err)
	if !ok {
		return out, faults.Err()
	}
	more := dispatch.Faults(refusal.Faults).Apart(faults)
	if len(more) == 0 {
		return out, faults.Err()
	}
	all := *refusal
	all.Faults = slices.Concat(faults, more)
	return out, &all
}

// mayChange returns a refusal if the actor is a test key and the key that it
// changes, or creates, is not.
func (a Actor) mayChange(k *account.Key) error {
	if !a.Test || k.Test {
		return nil
	}
	return &dispatch.Error{
		Code: dispatch.Forbidden, Reason: "live_key",
		Msg: "this is a test key: it creates and changes test keys only; use a live key",
	}
}

// mayGrant returns a refusal if a key is to get the permission credits from an
// actor without it: manage alone is no way to money.
func (a Actor) mayGrant(before, after []string) error {
	const credits = "credits"
	if a.May.Has(auth.Credits) || slices.Contains(before, credits) || !slices.Contains(after, credits) {
		return nil
	}
	return &dispatch.Error{Code: dispatch.Forbidden, Reason: credits, Msg: "this key lacks the permission credits, and so cannot grant it"}
}

// CLI returns the actor of the command line.
func CLI(account int64) Actor { return Actor{Account: account, Name: "cli", May: auth.AllPermissions} }

// KeyActor returns an API key, with its permissions, as an actor.
func KeyActor(account, key int64, test bool, may auth.Permissions) Actor {
	return Actor{Account: account, Name: target("key", key), Test: test, May: may}
}

// Rates returns the rate at which a channel sends at the moment, in messages per
// second, and until when it is blocked (zero: it is not).
type Rates func(ctx context.Context, channel int64, configured float64) (effective float64, blockedUntil time.Time, err error)

// Options of a Service.
type Options struct {
	Store     Store
	Providers map[string]provider.Provider
	// Changed is called after every change, and after those of an unknown outcome.
	Changed func()
	// CallbackURL returns the address at which the provider of a channel calls
	// back, without a secret.
	CallbackURL func(*dispatch.Channel) string
	// Rates is nil where the present rates are not known, as on the command line.
	Rates Rates
	// DecodeDraft reads a message without a recipient in the native format.
	DecodeDraft func([]byte) (dispatch.Draft, error)
	// ProviderAllow are the networks in which base_url may be besides public ones.
	ProviderAllow []netip.Prefix
	// WebhookLocal allows webhooks at loopback addresses.
	WebhookLocal bool
}

// Service is the administration of accounts. Its methods return
// dispatch.NotFound for records that do not exist or belong to another account.
type Service struct{ Options }

// New returns a Service.
func New(o Options) *Service {
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Service{o}
}

// note is the entry of a change in the audit log.
type note struct {
	action string // key.create
	target string // key:12
	detail any    // never a secret; nil: nothing more
}

// change makes a change and writes its audit entry in one transaction, which it rolls
// back if the input has faults.
func (s *Service) change(ctx context.Context, who Actor, f func(Tx) (note, error)) error {
	defer s.Changed()
	return s.Store.Change(ctx, who.Name, func(tx Tx) (account.Note, error) {
		n, err := f(tx)
		return account.Note{Account: who.Account, Action: n.action, Target: n.target, Detail: n.detail}, cmp.Or(err, who.Faults.Err())
	})
}

// target names a record in the audit log.
func target(noun string, id int64) string { return noun + ":" + strconv.FormatInt(id, 10) }

// switched returns the action of a change in the audit log: a change of nothing
// but whether a record is on is named enable or disable.
func switched(noun string, on *bool, only bool) string {
	switch {
	case on == nil || !only:
		return noun + ".update"
	case *on:
		return noun + ".enable"
	}
	return noun + ".disable"
}

// taken words a conflict that the database found, such as a name that is in use.
// Other errors are returned as they are.
func taken(err error, format string, args ...any) error {
	if e, ok := errors.AsType[*dispatch.Error](err); ok && e.Code == dispatch.Conflict && e.Err != nil {
		return &dispatch.Error{Code: dispatch.Conflict, Msg: dispatch.Errorf("", format, args...).Msg, Err: e.Err}
	}
	return err
}

// takenOr words a conflict about a name that is unique over all accounts: own
// reports whether the caller's account has it. What others have is not told.
func takenOr(err error, own bool, at, format string, args ...any) error {
	if worded := taken(err, format, args...); own || worded == err {
		return worded
	}
	return dispatch.InvalidField(at, "can't be used; choose another")
}

// parsePhone parses a number, which may be national in the actor's region, and reports a fault at the pointer if it is none.
func (a Actor) parsePhone(f *dispatch.Faults, at, s string) string {
	e164, err := phone.ParseIn(s, a.Region)
	if err != nil {
		f.Add(at, "%s", dispatch.AsError(err).Msg)
	}
	return e164
}

// UTC returns t in UTC and in whole microseconds, as Postgres keeps times: many
// clients read no more digits. nil stays nil.
func UTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC().Truncate(time.Microsecond))
}

// set changes into to v, unless v is nil.
func set[T any](into, v *T) { input.Set(into, v) }

// overlapUntil returns the end of an overlap of so many seconds that starts now.
func overlapUntil(seconds *int) time.Time { return time.Now().Add(overlap(seconds)) }

// DefaultOverlap is how long an old secret stays valid after a rotation that
// does not say.
const DefaultOverlap = 24 * time.Hour

// overlap returns so many seconds, or DefaultOverlap.
func overlap(seconds *int) time.Duration {
	if seconds == nil {
		return DefaultOverlap
	}
	return time.Duration(*seconds) * time.Second
}

// Rotate is the input of a rotation.
type Rotate struct {
	Overlap *int `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000"`
}

// Docs describes the fields whose names do not.
func (*Rotate) Docs() map[string]string {
	return map[string]string{
		"overlap_seconds": "How long the old secret stays valid; 24 hours if left out.",
	}
}
