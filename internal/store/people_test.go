package store

import (
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
)

// A STOP from one id of a person holds back what is sent to another one, also
// when the link between them is learnt afterwards, and a stop of marketing holds
// back nothing else.
func TestPeople_StopHoldsForAllIDs(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	const phone, waID = "+5511977654321", "+551177654321"
	in := dispatch.Inbound{
		Channel:    f.channel,
		From:       waID,
		WaID:       waID[1:],
		ProviderID: "x",
		Type:       "text",
		Text:       "stop",
		Raw:        "{}",
		At:         time.Now(),
	}
	check := func(to string, marketing bool) bool {
		t.Helper()
		a := NewMessage{Message: &dispatch.Message{Account: f.account, Channel: f.channel, To: to}, Marketing: marketing}
		err := f.CheckAccept(ctx, a)
		if err != nil && dispatch.CodeOf(err) != dispatch.Suppressed {
			t.Fatal(err)
		}
		return err != nil
	}
	ask := func(at time.Time, id string, stop, start bool) {
		t.Helper()
		in := in
		in.At, in.ProviderID, in.Stop, in.Start = at, id, stop, start
		refused, err := f.InsertInbound(ctx, f.channel, []dispatch.Inbound{in})
		if err != nil || len(refused) > 0 {
			t.Fatalf("inbound: refused %v, %v", refused, err)
		}
	}
	ask(in.At, "stop", true, false)
	ask(in.At.Add(-time.Hour), "an older start", false, true)
	if !check(waID, false) || check(phone, false) {
		t.Fatal("before the link the STOP must hold for its own id alone")
	}
	must(t, f.NoteAll(ctx, f.account, []people.Seen{{Recipient: phone, WaID: waID[1:]}}))
	if !check(phone, false) || !check(waID, false) {
		t.Error("after the link the STOP does not hold for both ids")
	}
	must(t, f.Link(ctx, f.account, phone, "BR.2000"))
	if !check("BR.2000", false) {
		t.Error("the STOP does not hold for the user id")
	}
	if _, err := f.accounts.Suppress(ctx, f.account, waID, dispatch.ScopeAll, "by hand"); err != nil {
		t.Fatal(err)
	}
	ask(in.At.Add(time.Minute), "a newer start", false, true)
	if !check(phone, false) {
		t.Error("a START lifted an operator's entry")
	}
	must(t, f.accounts.Unsuppress(ctx, f.account, phone))
	ask(in.At, "an older stop", true, false)
	if check(phone, false) {
		t.Error("a STOP from before the START holds")
	}
	ask(in.At.Add(2*time.Minute), "a newer stop", true, false)
	if !check(phone, false) {
		t.Error("a STOP after the START does not hold")
	}
	in.From = phone
	ask(in.At.Add(3*time.Minute), "a start from the other id", false, true)
	if check(waID, false) {
		t.Error("a START from one id does not lift the STOP from another")
	}
	in.From = waID
	ask(in.At.Add(4*time.Minute), "a last stop", true, false)
	if known, err := f.KnownID(ctx, f.account, waID); err != nil || !known {
		t.Errorf("the wa_id is not known: %v", err)
	}
	if _, err := f.accounts.Suppress(ctx, f.account, "+15550000009", dispatch.ScopeMarketing, ""); err != nil {
		t.Fatal(err)
	}
	if check("+15550000009", false) || !check("+15550000009", true) {
		t.Error("a stop of marketing must hold back marketing, and nothing else")
	}
}

// Two persons become one when a link joins them.
func TestLink_MergesPersons(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	for range 2 {
		must(t, f.Link(ctx, f.account, "+15550000001", "US.1"))
		must(t, f.Link(ctx, f.account, "+15550000002", "US.2"))
		must(t, f.Link(ctx, f.account, "US.1", "US.2"))
	}
	var got struct{ Persons, Values int }
	must(t, f.db.GetContext(ctx, &got, `SELECT count(DISTINCT person) AS persons, count(*) AS values FROM identities`))
	if got.Persons != 1 || got.Values != 4 {
		t.Errorf("%d persons with %d ids; want 1 with 4", got.Persons, got.Values)
	}
}
