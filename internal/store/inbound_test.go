package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// wrote is a message of a contact.
func wrote(from, providerID, text string) dispatch.Inbound {
	return dispatch.Inbound{From: from, ProviderID: providerID, Type: "text", Text: text, Raw: "{}", At: time.Now()}
}

func TestInsertInbound_WithoutProviderID_NoneIsLost(t *testing.T) {
	t.Parallel()
	f, ctx := open(t), t.Context()
	a := wrote("+15550000001", "", "one")
	for range 2 {
		if refused, err := f.InsertInbound(ctx, f.channel, []dispatch.Inbound{a, a}); err != nil || refused != nil {
			t.Fatal(refused, err)
		}
	}
	got, _, err := f.Inbounds(ctx, f.account, people.InboundFilter{Limit: 10})
	must(t, err)
	if len(got) != 4 || slices.ContainsFunc(got, func(r dispatch.Received) bool { return r.ProviderID != "" }) {
		t.Errorf("stored %+v", got)
	}
}

func TestInsertInbound_OneBody(t *testing.T) {
	t.Parallel()
	f, ctx := open(t), t.Context()
	const person = "+15550000001"
	long := strings.Repeat("x", 5000)
	noise := func(n int) string { // that doesn't compress
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%c", 'a'+i*i*7919%26)
		}
		return b.String()
	}
	body := []dispatch.Inbound{
		wrote(person, long, "long"), wrote(person, long+"y", "another"), wrote(person, long, "long again"),
		wrote(noise(9000), noise(6000), "from a long id"), wrote("+15550000002", "b", "neighbour"),
	}
	for range 2 {
		if refused, err := f.InsertInbound(ctx, f.channel, body); err != nil || refused != nil {
			t.Fatal(refused, err)
		}
	}
	got, _, err := f.Inbounds(ctx, f.account, people.InboundFilter{Limit: 10})
	must(t, err)
	var texts []string
	for _, r := range got {
		texts = append(texts, r.Text)
		if len(r.ProviderID) > 512 {
			t.Errorf("an id of %d bytes is kept", len(r.ProviderID))
		}
	}
	slices.Sort(texts)
	if want := []string{"another", "from a long id", "long", "neighbour"}; !slices.Equal(texts, want) {
		t.Errorf("stored %q, want %q", texts, want)
	}
}

func TestInsertInbound_LastWordOfABodyCounts(t *testing.T) {
	t.Parallel()
	f, ctx := open(t), t.Context()
	stop, start := wrote("+15550000001", "a", "stop"), wrote("+15550000001", "b", "start")
	stop.Stop, start.Start = true, true
	start.At = stop.At.Add(-time.Minute)
	_, err := f.InsertInbound(ctx, f.channel, []dispatch.Inbound{stop, start})
	must(t, err)
	var n int
	must(t, f.db.GetContext(ctx, &n, `SELECT count(*) FROM suppressions WHERE account_id = $1`, f.account))
	if n != 1 {
		t.Error("a START before a STOP lifts it")
	}
}

// A thousand messages in one body are one statement.
func TestInsertInbound_AThousand(t *testing.T) {
	t.Parallel()
	f, ctx := open(t), t.Context()
	body := make([]dispatch.Inbound, 1000)
	for i := range body {
		body[i] = wrote(fmt.Sprintf("+1555%07d", i%300), fmt.Sprint("id", i), "hi")
	}
	if refused, err := f.InsertInbound(ctx, f.channel, body); err != nil || refused != nil {
		t.Fatal(refused, err)
	}
	var n, windows int
	must(t, f.db.GetContext(ctx, &n, `SELECT count(*) FROM inbound`))
	must(t, f.db.GetContext(ctx, &windows, `SELECT count(*) FROM windows`))
	if n != 1000 || windows != 300 {
		t.Errorf("%d messages, %d windows", n, windows)
	}
}

func TestEachStorable_FindsTheBadOnes(t *testing.T) {
	t.Parallel()
	f := open(t)
	var stored []string
	refused, err := pg.EachStorable([]string{"a", "b", "bad", "c", "bad"}, func(rows []string) error {
		if slices.Contains(rows, "bad") {
			_, err := f.db.ExecContext(t.Context(), `SELECT 'x'::integer`)
			return err
		}
		stored = append(stored, rows...)
		return nil
	})
	if err != nil || !slices.Equal(refused, []int{2, 4}) || !slices.Equal(stored, []string{"a", "b", "c"}) {
		t.Errorf("refused %v, stored %q, %v", refused, stored, err)
	}
}

// Statuses that name only the provider's id are matched, whether or not the
// provider usually echoes ours; ids of any length harm nothing.
func TestApply_ProvidersIDAlone(t *testing.T) {
	t.Parallel()
	f, ctx := open(t), t.Context()
	ids := f.messages(t, 2)
	for i, ref := range []string{"wamid.one", "SM" + strings.Repeat("1", 32)} {
		out := outcome(ids[i], f.claim(t, ids[i]), Settle, ResultAccepted)
		out.ProviderID = ref
		f.complete(t, out)
		u := dispatch.StatusUpdate{
			Channel:    f.channel,
			ProviderID: ref,
			Status:     dispatch.Failed,
			At:         time.Now(),
			Code:       dispatch.FailUndelivered,
			Detail:     "no",
		}
		a, err := f.Apply(
			ctx,
			[]dispatch.StatusUpdate{u, {Channel: f.channel, ProviderID: strings.Repeat("é", 5000), Status: dispatch.Sent}},
		)
		must(t, err)
		if len(a.Failed) != 1 || !slices.Equal(a.Unmatched, []int{1}) {
			t.Errorf("%s: %+v", ref, a)
		}
	}
	must(t, f.Park(ctx, dispatch.StatusUpdate{Channel: f.channel, ProviderID: strings.Repeat("é", 5000), Status: dispatch.Sent}))
}
