package accept

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// anything is a provider that can send all content on both kinds of channel,
// but for stickers by SMS.
type anything struct{ provider.Provider }

func (anything) Spec() *provider.Spec {
	return &provider.Spec{Kinds: []provider.Kinds{
		{Kind: "whatsapp", Types: dispatch.Types}, {Kind: "sms", Types: []dispatch.Type{dispatch.TypeText, dispatch.TypeImage}},
	}}
}

// seen is an observer and a queue: it records the calls.
type seen struct {
	mu       sync.Mutex
	accepted map[int64]int
	failed   int
	pages    []dispatch.Page
	pending  int64
	away     bool
}

func (s *seen) Accepted(channel int64, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted[channel] += n
}

func (s *seen) OfferFailed(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed += n
}

func (s *seen) Offer(_ context.Context, p dispatch.Page) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return errors.New("redis is away")
	}
	s.pages = append(s.pages, p)
	return nil
}

func (s *seen) Pending(context.Context, dispatch.Lane) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending, nil
}

// fixture is a pipeline on a database, with an account that has a channel for
// SMS and one for WhatsApp, and a caller who may do everything.
type fixture struct {
	*Service
	who      *Caller
	store    *store.Store
	accounts *account.Store
	seen     *seen
	sms      dispatch.Channel
	whatsapp dispatch.Channel
}

func open(t *testing.T, recipients Recipients) *fixture {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 8)
	f := &fixture{store: store.New(db), accounts: account.New(db), seen: &seen{accepted: map[int64]int{}}}
	a, err := f.accounts.CreateAccount(t.Context(), "Test")
	must(t, err)
	channel := func(kind, sender string) dispatch.Channel {
		ch, err := f.accounts.CreateChannel(t.Context(), dispatch.Channel{
			Account: a.ID, Name: kind, Provider: "any", Kind: kind, Sender: sender, Default: kind == "sms",
			Settings: map[string]string{}, Secrets: map[string]string{}, Policy: dispatch.DefaultPolicy(),
		})
		must(t, err)
		return ch
	}
	f.sms, f.whatsapp = channel("sms", "+15550002222"), channel("whatsapp", "+15550003333")
	log := slog.New(slog.DiscardHandler)
	f.Service = New(Options{
		Store: f.store, Accounts: f.accounts, Registry: registry.New(f.accounts, f.store, nil, log), Queue: f.seen, Observer: f.seen, Log: log,
		Providers:   map[string]provider.Provider{"any": anything{}},
		DecodeDraft: func(raw []byte) (dispatch.Draft, error) { return native.Decode(raw) }, Recipients: recipients,
	})
	f.who = &Caller{Account: a, Key: account.Key{ID: 1, Account: a.ID, PerRecipientHour: new(1)}, Permissions: auth.AllPermissions}
	return f
}

// template saves an approved template with one variable.
func (f *fixture) template(t *testing.T, name, category string) int64 {
	t.Helper()
	tp, err := f.accounts.SaveTemplate(t.Context(), template.Template{
		Account: f.who.Account.ID, Name: name, Language: "en", Category: category, Status: "approved", ParameterFormat: "positional",
		Components: []template.Component{{Type: "BODY", Text: "Hello {{1}}"}},
	})
	must(t, err)
	return tp.ID
}

// stored returns the account's messages.
func (f *fixture) stored(t *testing.T, ids ...dispatch.ID) []dispatch.View {
	t.Helper()
	vs, err := f.store.Views(t.Context(), ids)
	must(t, err)
	return vs
}

// count returns the number of the account's messages, at most 100.
func (f *fixture) count(t *testing.T) int {
	t.Helper()
	list, err := f.store.ListMessages(t.Context(), f.who.Account.ID, dispatch.Filter{Limit: 100})
	must(t, err)
	return len(list.Views)
}

// one accepts a single draft.
func (f *fixture) one(t *testing.T, d dispatch.Draft) dispatch.Receipt {
	t.Helper()
	return f.Accept(t.Context(), f.who, []dispatch.Draft{d}, 0)[0]
}

var must = storetest.Must

func number(i int) string { return fmt.Sprintf("+1555%07d", i) }

// text is a draft of a text to the i-th number.
func text(i int) dispatch.Draft {
	return dispatch.Draft{To: number(i), Content: dispatch.Content{Type: dispatch.TypeText, Text: &dispatch.Text{Body: "hi"}}}
}

// page is a page of texts to numbers of its own.
func page(first, n int) []dispatch.Draft {
	ds := make([]dispatch.Draft, n)
	for i := range ds {
		ds[i] = text(first + i)
	}
	return ds
}

// use is a draft of a template with one value.
func use(name string, values ...string) dispatch.Draft {
	return dispatch.Draft{
		To: number(1), Content: dispatch.Content{Type: dispatch.TypeTemplate, Template: &dispatch.TemplateUse{Name: name}},
		Variables: &dispatch.Variables{List: values},
	}
}

// fields returns the pointers of err's faults.
func fields(err error) []string {
	if err == nil {
		return nil
	}
	var out []string
	for _, f := range dispatch.AsError(err).Faults {
		out = append(out, f.Field)
	}
	return out
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }
