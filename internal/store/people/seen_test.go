package people_test

import (
	"maps"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/worker/workertest"
)

// A status that names its recipient by another id is kept as a provider's answer to
// a send is: the ids are linked, and WhatsApp's is shown with the contact. One that
// names the number itself keeps nothing.
func TestStatus_NamesTheRecipientByAnotherID(t *testing.T) {
	t.Parallel()
	f := open(t)
	const phone, waID = "+5511977654321", "551177654321"
	ids := f.Messages(t, 2, func(m *dispatch.Message) { m.To = phone })
	apply := func(id dispatch.ID, by string) {
		t.Helper()
		a, err := f.Apply(t.Context(), []dispatch.StatusUpdate{{
			ID: id, Channel: f.Channel, Status: dispatch.Delivered, At: time.Now(), WaID: by,
		}})
		if err != nil || a.LinkErr != nil || len(a.Unmatched) > 0 {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	contacts := func() map[string]string {
		t.Helper()
		var rows []struct {
			Phone string
			WaID  string `db:"wa_id"`
		}
		workertest.Must(t, f.db.SelectContext(t.Context(), &rows, `SELECT phone, wa_id FROM contacts`))
		out := map[string]string{}
		for _, r := range rows {
			out[r.Phone] = r.WaID
		}
		return out
	}
	apply(ids[0], phone[1:])
	if known, err := f.people.KnownID(t.Context(), f.Account, phone); known || err != nil || len(contacts()) != 0 {
		t.Fatalf("the number alone is kept: %v, %v, %v", known, err, contacts())
	}
	apply(ids[1], waID)
	numbers, err := f.people.NumbersOf(t.Context(), f.Account, "+"+waID)
	if err != nil || len(numbers) == 0 || numbers[len(numbers)-1] != phone {
		t.Errorf("the wa_id belongs to %v, %v", numbers, err)
	}
	if got := contacts(); !maps.Equal(got, map[string]string{phone: waID}) {
		t.Errorf("contacts with wa_ids %v", got)
	}
}

func TestSeen_Adds(t *testing.T) {
	t.Parallel()
	for s, want := range map[people.Seen]bool{
		{Recipient: "+15550000001"}:                                      false,
		{Recipient: "+15550000001", WaID: "15550000001"}:                 false,
		{Recipient: "DE.7", UserID: "DE.7"}:                              false,
		{Recipient: "+15550000001", WaID: "1555000"}:                     true,
		{Recipient: "+15550000001", WaID: "15550000001", UserID: "US.1"}: true,
		{Recipient: "US.1", WaID: "15550000001", UserID: "US.1"}:         true,
	} {
		if s.Adds() != want {
			t.Errorf("%+v adds: %v", s, !want)
		}
	}
}

// What comes later about a message whose recipient was erased changes its status and
// brings back nobody: no id, no opt-out, no text, and not WhatsApp's id of it, which has
// the number in it.
func TestStatus_OfErasedRecipient_BringsNothingBack(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.Messages(t, 1, func(m *dispatch.Message) { m.To = "+5511977654321" })[0]
	_, err := f.db.ExecContext(t.Context(), `WITH d AS (DELETE FROM dispatch) UPDATE messages SET recipient = '', content = '{}', status = 30`)
	workertest.Must(t, err)
	a, err := f.Apply(t.Context(), []dispatch.StatusUpdate{{
		ID: id, Channel: f.Channel, Status: dispatch.Failed, At: time.Now(), WaID: "551177654321", UserID: "BR.1", ProviderID: "wamid.x",
		Code: dispatch.FailContent, Detail: "551177654321 is not on WhatsApp", Suppress: true,
	}})
	if err != nil || a.LinkErr != nil || len(a.Unmatched) > 0 || len(a.Failed) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	for _, table := range []string{"identities", "suppressions", "contacts", "provider_refs"} {
		var n int
		workertest.Must(t, f.db.GetContext(t.Context(), &n, `SELECT count(*) FROM `+table))
		if n != 0 {
			t.Errorf("%d rows of %s", n, table)
		}
	}
	for _, table := range []string{"messages", "events", "attempts"} {
		var n int
		workertest.Must(t, f.db.GetContext(t.Context(), &n, `SELECT count(*) FROM `+table+` t WHERE t::text ~ '5511|wamid|BR.1'`))
		if n != 0 {
			t.Errorf("%s has an id again", table)
		}
	}
	var status int
	workertest.Must(t, f.db.GetContext(t.Context(), &status, `SELECT status FROM messages`))
	if status != int(dispatch.Failed) {
		t.Errorf("status %d", status)
	}
}
