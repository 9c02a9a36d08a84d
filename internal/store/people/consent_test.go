package people_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/worker/workertest"
)

const ada = "+15550000001" // the recipient of the fixture's first message

// wrote stores a STOP or START.
func (f *fixture) wrote(t *testing.T, from, text string, at time.Time) {
	t.Helper()
	refused, err := f.people.InsertInbound(t.Context(), f.Channel, []dispatch.Inbound{{
		From: from, Type: "text", Text: text, Raw: "{}", At: at, Stop: text == "STOP", Start: text == "START",
	}})
	if err != nil || refused != nil {
		t.Fatal(refused, err)
	}
}

// A refusal that the provider repeats, or that was made before the person opted in
// again, holds back nothing.
func TestRefusal_OlderThanTheOptIn_DoesNotHold(t *testing.T) {
	t.Parallel()
	f := open(t)
	now := time.Now()
	refusals := func(id dispatch.ID, at time.Time) {
		t.Helper()
		unmatched, err := f.ApplyStatuses(t.Context(), []dispatch.StatusUpdate{{
			ID: id, Channel: f.Channel, Status: dispatch.Failed, At: at, Code: dispatch.FailSuppressed, ProviderCode: "21610", Suppress: true,
		}})
		if err != nil || len(unmatched) > 0 {
			t.Fatal(unmatched, err)
		}
	}
	to := func(m *dispatch.Message) { m.To = ada }
	ids := f.Messages(t, 2, to)
	refusals(ids[0], now.Add(-time.Hour))
	if got := f.scopes(t); !maps.Equal(got, map[string]string{ada: "all"}) {
		t.Fatalf("a refusal suppresses %v", got)
	}
	f.wrote(t, ada, "START", now.Add(-time.Minute))
	refusals(ids[0], now) // Twilio's has no time: it counts as of now
	refusals(ids[1], now.Add(-2*time.Minute))
	if got := f.scopes(t); len(got) != 0 {
		t.Errorf("after START older refusals suppress %v", got)
	}
	refusals(f.Messages(t, 1, to)[0], now)
	if got := f.scopes(t); len(got) != 1 {
		t.Error("a refusal after START does not suppress")
	}
}

// Of wishes that come together the persons' own times decide, and each scope by
// itself.
func TestConsents_Together(t *testing.T) {
	t.Parallel()
	f := open(t)
	now := time.Now()
	var cs []dispatch.Consent
	want := map[string]string{}
	for i := range 500 {
		p := fmt.Sprintf("+1555%07d", i)
		stop := dispatch.Consent{Person: p, Scope: dispatch.ScopeAll, At: now.Add(-time.Hour), Detail: "x\x00y"}
		again := dispatch.Consent{Person: p, Scope: dispatch.ScopeAll, Start: true, At: now.Add(-2 * time.Hour)}
		if i%2 == 0 {
			again.At = now.Add(-time.Minute)
		} else {
			want[p] = dispatch.ScopeAll
		}
		cs = append(cs, again, stop, stop)
		if i%5 == 0 {
			cs = append(cs, dispatch.Consent{Person: p, Scope: dispatch.ScopeMarketing, At: now})
			if want[p] == "" {
				want[p] = dispatch.ScopeMarketing
			}
		}
	}
	workertest.Must(t, f.people.Link(t.Context(), f.Account, "+15550000003", "DE.3"))
	cs = append(cs, dispatch.Consent{Person: "DE.3", Scope: dispatch.ScopeAll, Start: true, At: now.Add(-30 * time.Minute)})
	delete(want, "+15550000003")
	for range 2 { // providers repeat
		workertest.Must(t, f.people.Consents(t.Context(), f.Account, cs))
		if got := f.scopes(t); !maps.Equal(got, want) {
			t.Fatalf("suppressed %d, want %d", len(got), len(want))
		}
	}
}

// The stop of a number that changed hands goes with the person, and an operator's
// entry stays whatever is written.
func TestInbound_OperatorsEntry_Stays(t *testing.T) {
	t.Parallel()
	f := open(t)
	now := time.Now()
	f.wrote(t, ada, "STOP", now.Add(-time.Hour))
	_, err := f.Accounts.Suppress(t.Context(), f.Account, ada, dispatch.ScopeMarketing, "by hand")
	workertest.Must(t, err)
	f.wrote(t, ada, "START", now)
	workertest.Must(t, f.people.Consents(t.Context(), f.Account,
		[]dispatch.Consent{{Person: ada, Scope: dispatch.ScopeMarketing, Start: true, At: now}}))
	if got := f.scopes(t); got[ada] != dispatch.ScopeMarketing {
		t.Errorf("START leaves %v of an operator's entry", got)
	}
}
