package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/wait"
)

// metaEntry makes a signed callback of Meta's about the business account waba.
func (f *front) metaEntry(waba string, at time.Time, field string, value m) {
	f.T.Helper()
	body, err := json.Marshal(m{
		"object": "whatsapp_business_account",
		"entry":  []m{{"id": waba, "time": at.Unix(), "changes": []m{{"field": field, "value": value}}}},
	})
	if err != nil {
		f.T.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte("app-secret-of-meta"))
	mac.Write(body)
	head := []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac.Sum(nil))}
	if got := f.Ask("POST", "/callbacks/meta/"+f.Channel.Key, apitest.Sent{Headers: head, Body: string(body)}); got.Status != http.StatusOK {
		f.T.Fatalf("the callback is answered %d %s", got.Status, got.Body)
	}
}

// another returns a further channel of the app, of the business account waba.
func (f *front) another(number, waba string) dispatch.Channel {
	f.T.Helper()
	ch := f.Channel
	ch.Key, ch.Name, ch.Default, ch.Sender = "", "Number "+number, false, "+"+number
	ch.Settings = map[string]string{"phone_number_id": "9" + number, "waba_id": waba}
	ch, err := f.Accounts.CreateChannel(f.T.Context(), ch)
	if err != nil {
		f.T.Fatal(err)
	}
	return ch
}

// reports returns what the API shows of a channel's reports, one a line.
func (f *front) reports(channel int64) string {
	f.T.Helper()
	var lines []string
	health, _ := f.Do("GET", fmt.Sprint("/v1/channels/", channel), nil).Want(http.StatusOK)["health"].(map[string]any)
	list, _ := health["reports"].([]any)
	for _, r := range list {
		r := object(r.(map[string]any))
		line := r.Text("subject") + " " + r.Text("level") + " " + r.Text("value") + " " + strings.TrimPrefix(r.Text("detail"), "<nil>")
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

// What Meta reports of accounts and numbers is the health of the channels that it
// is about, and an event once; late and repeated reports change nothing.
func TestReports_OfAccountsAndNumbers(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	waba := f.Channel.Settings["waba_id"]
	same, other := f.another("15550002223", waba), f.another("15550002224", "777")
	now := time.Now()
	for range 2 { // Meta repeats
		f.metaEntry(waba, now, "account_update", m{"event": "ACCOUNT_RESTRICTION", "restriction_info": []m{
			{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1798794000},
		}})
		f.metaEntry(waba, now.Add(-time.Hour), "account_update", m{"event": "VERIFIED_ACCOUNT"})
		f.metaEntry("777", now, "business_capability_update", m{"max_daily_conversations_per_business": -1})
		f.metaEntry(waba, now, "phone_number_quality_update", m{
			"display_phone_number": "+1 555-000-2224", "event": "FLAGGED", "current_limit": "TIER_1K",
		})
		f.metaEntry(waba, now, "phone_number_name_update", m{
			"display_phone_number": "15550002223", "decision": "REJECTED", "rejection_reason": "X",
		})
		f.metaEntry(waba, now, "messages", m{
			"metadata": m{"phone_number_id": "915550002223"}, "errors": []m{{"code": 131031, "title": "locked", "error_data": m{"details": "why"}}},
		})
		f.metaEntry(waba, now, "account_review_update", m{"decision": "APPROVED"})
	}
	const account = "account critical account_restriction RESTRICTED_BIZ_INITIATED_MESSAGING until 2027-01-01T09:00:00Z"
	for id, want := range map[int64]string{
		f.Channel.ID: account + "\nreview ok approved",
		same.ID:      account + "\ndisplay_name critical rejected X\nerror critical 131031 locked: why\nreview ok approved",
		other.ID:     "messaging_limit ok unlimited\nquality warning flagged messaging limit TIER_1K",
	} {
		if got := f.reports(id); got != want {
			t.Errorf("channel %d:\n%s\nwant:\n%s", id, got, want)
		}
	}
	wait.For(t, 30*time.Second, func() error {
		evs, err := f.Store.EventsAfter(t.Context(), dispatch.Position{}, 1000)
		n := 0
		for _, e := range evs {
			if e.Kind == dispatch.EventChannel {
				n++
			}
		}
		if n != 8 {
			return fmt.Errorf("%d events, want one for each report of each channel: 8 (%w)", n, err)
		}
		return nil
	})
	f.metaEntry(waba, now.Add(time.Second), "account_update", m{"event": "DISABLED_UPDATE", "ban_info": m{"waba_ban_state": "REINSTATE"}})
	if got := f.reports(same.ID); !strings.HasPrefix(got, "account ok disabled_update REINSTATE") {
		t.Errorf("after it was reinstated: %s", got)
	}
}

// What is reported of a template concerns the business account that the entry
// names, also when the template is known by our id or by Meta's alone.
func TestTemplateChange_OfTheEntrysAccount(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	other := f.another("15550002224", "777")
	tpl := f.Do("POST", "/v1/templates", m{
		"name": "sale", "language": "en", "category": "utility", "components": []m{{"type": "BODY", "text": "Hi"}},
	}).Want(201)
	f.metaEntry("777", time.Now(), "message_template_status_update", m{
		"event": "PAUSED", "message_template_id": 594425479261596, "message_template_name": "sale",
		"message_template_language": "en", "reason": "LOW_QUALITY",
	})
	id := tpl["id"]
	for _, use := range []m{{"name": "sale", "language": "en"}, {"id": id}} {
		send := m{"to": "+15550000100", "type": "template", "template": use}
		f.Do("POST", "/v1/messages", send).Want(202)
		send["channel"] = other.Key
		got := f.Do("POST", "/v1/messages", send)
		if got.Status != 422 || !strings.Contains(string(got.Body), "LOW_QUALITY") {
			t.Errorf("%v through the account that paused it: %d %s", use, got.Status, got.Body)
		}
	}
}
