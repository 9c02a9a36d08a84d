package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/wait"
)

// calls returns the answer to a provider at the address that ends in secret.
func (f *front) calls(key, secret string) int {
	f.T.Helper()
	return f.As("", "POST", "/callbacks/gupshup/"+key+"/"+secret, `{"type":"user-event"}`).Status
}

func TestCallbackSecret_Rotated_OldAddressWorksUntilTheOverlapIsOver(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.Do("POST", "/v1/channels", m{
		"name": "G", "provider": "gupshup", "sender": "+919999900000", "settings": m{"app_name": "A"},
		"secrets": m{"apikey": "k"},
	}).
		Want(201)
	path, key := "/v1/channels/"+made.ID(), made.Text("key")
	secretOf := func(o object) string { u := o.Text("callback_url"); return u[strings.LastIndexByte(u, '/')+1:] }
	until := func(o object) time.Duration {
		at, err := time.Parse(time.RFC3339Nano, o.Text("old_callback_secret_valid_until"))
		if err != nil {
			return 0
		}
		return time.Until(at)
	}
	want := func(what, secret string, good bool) {
		t.Helper()
		if got := f.calls(key, secret); (got == 200) != good || (!good && got != 401) {
			t.Errorf("%s: the callback is answered %d", what, got)
		}
	}
	first := secretOf(made)
	want("the first", first, true)
	want("a guess", strings.Repeat("0", 64), false)
	if until(made) != 0 {
		t.Errorf("a new channel has an old secret: %v", made)
	}

	turned := f.Do("POST", path+"/callback-secret", nil).Want(200)
	second := secretOf(turned)
	if d := until(turned); d < 23*time.Hour || d > 24*time.Hour {
		t.Errorf("the old secret works for %s: %v", d, turned)
	}
	want("the first after a rotation", first, true)
	want("the second", second, true)
	if d := until(f.Do("PATCH", path, m{"name": "G2"}).Want(200)); d < 23*time.Hour {
		t.Errorf("another change ends the overlap: %s left", d)
	}
	want("the first after another change", first, true)

	third := strings.Repeat("t", 40)
	if d := until(f.Do("PATCH", path, m{
		"secrets":                  m{"callback_secret": third},
		"callback_overlap_seconds": 3600,
	}).Want(200)); d < 59*time.Minute ||
		d > time.Hour {
		t.Errorf("an hour was asked for, %s were given", d)
	}
	want("the first after two rotations, within its day", first, true)
	want("the second after one", second, true)
	want("the third", third, true)

	ch, err := f.Accounts.Channel(t.Context(), int64(made["id"].(float64)))
	if err != nil || len(ch.OldCallbacks) != 2 || ch.OldCallbacks[0].Secret != second || len(ch.Secrets) != 2 {
		t.Fatalf("stored %d secrets, %v", len(ch.Secrets), err)
	}
	ch.OldCallbacks[0].Until = time.Now().Add(-time.Second)
	if _, err := f.Accounts.UpdateChannel(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	f.Do("PATCH", path, m{"name": "G3"}).Want(200)
	want("the second after its end", second, false)
	want("the first, which has a day", first, true)
	fourth := secretOf(f.Do("POST", path+"/callback-secret", m{"overlap_seconds": 0}).Want(200))
	want("the first after a rotation without an overlap", first, false)
	want("the third without an overlap", third, false)
	want("the fourth", fourth, true)
	f.Do("POST", path+"/callback-secret", m{"overlap_seconds": -1}).Refused(422, dispatch.Invalid, "/overlap_seconds")
	f.Do("PATCH", path, m{"callback_overlap_seconds": 1 << 30}).Refused(422, dispatch.Invalid, "/callback_overlap_seconds")
	log := f.Do("GET", "/v1/audit?target=channel:"+made.ID(), nil)
	if len(log.Want(200).Data()) == 0 || strings.Contains(string(log.Body), third) || strings.Contains(string(log.Body), first) {
		t.Errorf("the audit log is empty or holds a secret: %s", log.Body)
	}
}

// A provider that reports again that a message failed makes it fail no second
// time; a report about an unknown message fails nothing yet.
func TestCallback_FailedAgain_IsCountedOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	ch, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.Account.ID, Name: "G", Provider: "gupshup", Kind: "whatsapp", Sender: "+919999900000", Policy: dispatch.DefaultPolicy(),
		Settings: map[string]string{"app_name": "A"}, Secrets: map[string]string{"apikey": "k", "callback_secret": strings.Repeat("s", 40)},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.sent(ch.ID, "gs-1")
	for _, gsID := range []string{"gs-1", "gs-1", "gs-2"} {
		body := `{"type":"message-event","payload":{"id":"x","gsId":"` + gsID +
			`","type":"failed","destination":"15550000001","payload":{"code":1026,"reason":"no"}}}`
		if got := f.As("", "POST", "/callbacks/gupshup/"+ch.Key+"/"+ch.Secrets["callback_secret"], body).Status; got != http.StatusOK {
			t.Fatalf("the callback is answered %d", got)
		}
	}
	name := fmt.Sprintf(`sendoff_failed_total{channel="%d"`, ch.ID)
	var counted []string
	for line := range strings.Lines(string(f.As("", "GET", "/metrics", nil).Body)) {
		if strings.HasPrefix(line, name) && !strings.HasSuffix(line, " 0\n") { // others are there from the start
			counted = append(counted, strings.TrimSpace(line))
		}
	}
	if len(counted) != 1 || !strings.HasSuffix(counted[0], " 1") {
		t.Errorf("one message failed; counted %q", counted)
	}
}

// sent makes a message of the channel that its provider has taken.
func (f *front) sent(channel int64, providerID string) dispatch.ID {
	f.T.Helper()
	return f.sentAs(channel, providerID, `{"type":"text","text":{"body":"x"}}`)
}

// sentAs is sent with a content.
func (f *front) sentAs(channel int64, providerID, raw string) dispatch.ID {
	f.T.Helper()
	msg := &dispatch.Message{
		ID:      dispatch.NewID(),
		Account: f.Account.ID,
		Channel: channel,
		Lane:    dispatch.Normal,
		To:      "+15550000001",
		Raw:     raw,
	}
	msg.Content.Type = dispatch.TypeText
	_, err := f.Store.InsertMessages(f.T.Context(), []store.NewMessage{{Message: msg, TTL: time.Hour}})
	if err != nil {
		f.T.Fatal(err)
	}
	claim := uuid.New()
	if _, err := f.Store.ClaimPage(f.T.Context(), []dispatch.ID{msg.ID}, claim, time.Minute); err != nil {
		f.T.Fatal(err)
	}
	out := store.Outcome{
		ID:         msg.ID,
		Claim:      claim,
		Channel:    channel,
		Action:     store.Settle,
		Result:     store.ResultAccepted,
		ProviderID: providerID,
		KeepRef:    true,
		StartedAt:  time.Now(),
	}
	if _, err := f.Store.Complete(f.T.Context(), []store.Outcome{out}); err != nil {
		f.T.Fatal(err)
	}
	return msg.ID
}

// gupshup adds a channel of a provider that signs nothing and returns it with its
// callback address.
func (f *front) gupshup(sender string) (dispatch.Channel, string) {
	f.T.Helper()
	ch, err := f.Accounts.CreateChannel(f.T.Context(), dispatch.Channel{
		Account: f.Account.ID, Name: "G", Provider: "gupshup", Kind: "whatsapp", Sender: sender, Policy: dispatch.DefaultPolicy(),
		Settings: map[string]string{"app_name": "A"}, Secrets: map[string]string{"apikey": "k", "callback_secret": strings.Repeat("s", 40)},
	})
	if err != nil {
		f.T.Fatal(err)
	}
	return ch, "/callbacks/gupshup/" + ch.Key + "/" + ch.Secrets["callback_secret"]
}

// What we read nothing from leaves a trace for the operator, without numbers and
// texts; what is rejected is counted.
func TestCallback_Ignored_IsListedMasked(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	ch, err := f.Accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.Account.ID, Name: "G", Provider: "gupshup", Kind: "whatsapp", Sender: "+919999900000", Policy: dispatch.DefaultPolicy(),
		Settings: map[string]string{"app_name": "A"}, Secrets: map[string]string{"apikey": "k", "callback_secret": strings.Repeat("s", 40)},
	})
	if err != nil {
		t.Fatal(err)
	}
	address := "/callbacks/gupshup/" + ch.Key + "/" + ch.Secrets["callback_secret"]
	body := `{"type":"message-event","payload":{"id":"x","type":"teleported","destination":"15550000001","payload":{"text":"a secret"}}}`
	for range 2 {
		if got := f.As("", "POST", address, body).Status; got != http.StatusOK {
			t.Fatalf("answered %d", got)
		}
	}
	if got := f.As("", "POST", "/callbacks/gupshup/"+ch.Key+"/no", body).Status; got != http.StatusUnauthorized {
		t.Errorf("a wrong secret is answered %d", got)
	}
	page := f.Do("GET", "/v1/callbacks/ignored?limit=1", nil).Want(200)
	got := page.Data()[0]
	if !strings.Contains(got.Text("kind"), "teleported") || got.Text("provider") != "gupshup" ||
		strings.Contains(got.Text("body"), "15550000001") ||
		strings.Contains(got.Text("body"), "a secret") {
		t.Errorf("listed %v", got)
	}
	if rest := f.Do("GET", "/v1/callbacks/ignored?cursor="+page.Text("next_cursor"), nil).Want(200).Data(); len(rest) != 1 {
		t.Errorf("the next page has %d", len(rest))
	}
	metrics := string(f.As("", "GET", "/metrics", nil).Body)
	for _, want := range []string{
		`sendoff_callbacks_total{kind="other",provider="gupshup",result="ignored"} 2`,
		fmt.Sprintf(`sendoff_callbacks_rejected_total{channel="%d",reason="signature"} 1`, ch.ID),
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no line %s", want)
		}
	}
	wait.Until(t, "the counts that doctor reads", func() bool {
		var taken, rejected int
		if err := f.DB.QueryRow(`SELECT coalesce(sum(n) FILTER (WHERE reason = ''), 0), coalesce(sum(n) FILTER (WHERE reason = 'signature'), 0)
			FROM callback_counts WHERE channel_id = $1`, ch.ID).Scan(&taken, &rejected); err != nil {
			t.Fatal(err)
		}
		return taken == 2 && rejected == 1
	})
}

// A callback of a message that retention has removed is answered, counted and kept to be
// looked at; one that may be early waits for its message.
func TestCallback_OfRemovedMessage_IsCounted(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	ch := f.metaNumber(f.Account.ID, "+15550000201", "101", "s1")
	at := uint64(time.Now().Add(-48 * time.Hour).UnixMilli())
	gone, early := uuid.Must(uuid.Parse(fmt.Sprintf("%08x-%04x-7000-8000-000000000001", at>>16, at&0xffff))), dispatch.NewID()
	for _, id := range []dispatch.ID{gone, early} {
		f.signed(&ch, "s1", `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{
			"messaging_product":"whatsapp","metadata":{"phone_number_id":"101"},"statuses":[{"id":"wamid.x","status":"delivered",
			"timestamp":"1760000000","recipient_id":"15550000001","biz_opaque_callback_data":"`+id.String()+`"}]}}]}]}`)
	}
	kept := f.Do("GET", "/v1/callbacks/ignored", nil)
	if all := kept.Want(200).Data(); len(all) != 1 || all[0].Text("kind") != "status" ||
		!strings.Contains(all[0].Text("body"), gone.String()) || !strings.Contains(all[0].Text("body"), `"delivered"`) ||
		strings.Contains(string(kept.Body), "15550000001") {
		t.Errorf("kept: %s", kept.Body)
	}
	metrics := string(f.As("", "GET", "/metrics", nil).Body)
	if want := `sendoff_callbacks_total{kind="status",provider="meta",result="late"} 1`; !strings.Contains(metrics, want) {
		t.Errorf("no line %s", want)
	}
	var parked string
	if err := f.DB.QueryRow(`SELECT string_agg(body, ' ') FROM parked_callbacks`).Scan(&parked); err != nil ||
		!strings.Contains(parked, early.String()) || strings.Contains(parked, gone.String()) {
		t.Errorf("parked %s, %v", parked, err)
	}
}
