package api_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// A validation error names every field at fault, in its detail and by pointer.
func TestNativeErrors_NameEveryField(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	r := f.Do("POST", "/v1/messages", m{"text": m{"bodi": "x"}, "sendat": 1, "send_at": 1798794000})
	r.Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/send_at", "/sendat", "/text/bodi", "/to", "/type")
	for body, want := range map[string]string{
		`{}`: "to is required; type is required: one of text, template, image, video, audio, document, sticker, location, " +
			"contacts, interactive, reaction",
		`{"type":"image"}`: `to is required; image is required for a message of type "image"`,
		`{"to":"+12025550100","type":"template","template":{}}`: "template.name is required, or an id",
		`{"to":"+12025550100","type":"text","text":{"body":""},"ttl_seconds":0,"fallback_after_seconds":-1,"lane":"fast"}`: "ttl_seconds must " +
			"be between 1 and 31622400; " +
			"fallback_after_seconds must be between 1 and 31622400; text.body is required; lane must be otp, normal or bulk",
	} {
		if got := f.Do("POST", "/v1/messages", json.RawMessage(body)).Want(422).Text("detail"); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
	f.Do("POST", "/v1/templates", m{
		"name": "pickup", "language": "de", "category": "utility",
		"components": []m{{"type": "BODY", "text": "x"}},
	}).
		Want(201)
	r = f.Do(
		"POST",
		"/v1/messages",
		m{"to": "+12025550100", "type": "template", "template": m{"name": "pickup", "language": "fr"}, "channel": f.Channel.ID},
	)
	if got := r.Want(r.Status).Text("detail"); got != "template pickup does not exist in language fr for this channel; it exists in de" {
		t.Errorf("detail: %s", got)
	}
	if got := f.Do("POST", "/v1/webhooks", m{}).Want(422).Text("detail"); got != "url is required" {
		t.Errorf("detail: %s", got)
	}
}

// What a client sent by mistake is named, never passed over: the query decides
// which rows a list has.
func TestQuery_NothingIsPassedOver(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("POST", "/v1/lists", m{"name": "a;b"}).Want(201)
	for i, name := range []string{"Ada", "a;b"} {
		f.Do("POST", "/v1/contacts", m{"phone": "+1202555010" + strconv.Itoa(i), "name": name}).Want(201)
	}
	for query, want := range map[string]int{"search=a;b": 1, "search=a%3Bb": 1, "search=x;y": 0, "search=a;b&limit=1": 1} {
		if got := f.Do("GET", "/v1/contacts?"+query, nil).Want(200).Data(); len(got) != want {
			t.Errorf("%s: %d contacts, want %d", query, len(got), want)
		}
	}
	for _, path := range []string{"/v1/contacts?search=100%", "/v1/messages?reference=%zz", "/v1/imports?kind=%", "/v1/audit?limit=1&x=%4"} {
		f.Do("GET", path, nil).Refused(http.StatusBadRequest, dispatch.Malformed)
	}
}

// A type or a status that no message has is named, as in other lists.
func TestMessages_FilterOfNoKnownValue_IsNamed(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("GET", "/v1/messages?type=texts&status=gone", nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/status", "/type")
	for _, what := range dispatch.Types {
		f.Do("GET", "/v1/messages?type="+string(what), nil).Want(http.StatusOK)
	}
}

// A channel is named by its id or key in every list.
func TestLists_ChannelByIDOrKey(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	key := f.Do("GET", "/v1/channels/1", nil).Want(http.StatusOK).Text("key")
	f.Do("POST", "/v1/messages", m{"channel": 1, "to": "+12025550100", "type": "text", "text": m{"body": "x"}}).Want(http.StatusAccepted)
	f.Do("POST", "/v1/templates", m{
		"name": "bound", "language": "en", "category": "utility", "channel_id": 1, "components": []m{{"type": "BODY", "text": "x"}},
	}).Want(http.StatusCreated)
	for _, path := range []string{"/v1/messages?channel=", "/v1/templates?channel="} {
		for _, channel := range []string{"1", key} {
			if got := f.Do("GET", path+channel, nil).Want(http.StatusOK).Data(); len(got) != 1 {
				t.Errorf("%s%s: %d entries, want 1", path, channel, len(got))
			}
		}
		if got := f.Do("GET", path+"999", nil).Want(http.StatusOK).Data(); len(got) != 0 {
			t.Errorf("%s999: %d entries, want none", path, len(got))
		}
		f.Do("GET", path+"ch_nope", nil).Refused(http.StatusUnprocessableEntity, dispatch.ChannelNotFound, "/channel")
	}
	f.Do("GET", "/v1/inbound?channel="+key, nil).Want(http.StatusOK)
	f.Do("GET", "/v1/inbound?channel=ch_nope", nil).Refused(http.StatusUnprocessableEntity, dispatch.ChannelNotFound, "/channel")
	f.Do("GET", "/v1/messages?channel=-1", nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/channel")
}

// The bounds of limit are those of every list.
func TestLists_LimitBeyondBounds_IsRefused(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for _, list := range []string{
		"audit", "callbacks/ignored", "campaigns", "channels", "contacts", "credits/ledger", "imports", "inbound", "keys", "lists",
		"messages", "suppressions", "templates", "usage", "users", "webhooks",
	} {
		for _, limit := range []string{"1", "1000", ""} {
			f.Do("GET", "/v1/"+list+"?limit="+limit, nil).Want(http.StatusOK)
		}
		for _, limit := range []string{"0", "-1", "1001", "x", "99999999999999999999"} {
			f.Do("GET", "/v1/"+list+"?limit="+limit, nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/limit")
		}
	}
}

// Times have at most microseconds: the answer to a request, and what is read later.
func TestTimes_HaveMicroseconds(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	body := m{"to": "+12025550100", "type": "text", "text": m{"body": "x"}, "send_at": "2035-01-01T00:00:00.123456789+02:00"}
	made := f.Do("POST", "/v1/messages", body).Want(http.StatusAccepted)
	const want = "2034-12-31T22:00:00.123456Z"
	if read := f.Do("GET", "/v1/messages/"+made.Text("message_id"), nil).Want(http.StatusOK); made.Text("send_at") != want ||
		read.Text("send_at") != want {
		t.Errorf("send_at %s, then %s; want %s", made.Text("send_at"), read.Text("send_at"), want)
	}
	c := f.Do("POST", "/v1/campaigns", m{
		"name": "x", "type": "text", "text": m{"body": "x"}, "audience": m{"contacts": []m{{"to": "+12025550100"}}},
	})
	at := "/v1/campaigns/" + c.Want(http.StatusCreated).ID()
	hook := f.Do("POST", "/v1/webhooks", m{"url": "https://example.com/hook"}).Want(http.StatusCreated).ID()
	checked, row := f.Do("POST", at+"/validate", nil).Want(http.StatusOK), f.Do("GET", at+"/preview", nil).Want(http.StatusOK)
	rotated := f.Do("POST", "/v1/webhooks/"+hook+"/rotate", nil).Want(http.StatusOK)
	since := m{"from": time.Now().Add(-time.Hour).Format(time.RFC3339)}
	replay := f.Do("POST", "/v1/webhooks/"+hook+"/replay", since).Want(http.StatusAccepted)
	for name, text := range map[string]string{
		"starts_at": checked.Text("starts_at"), "ends_at": checked.Text("ends_at"), "due_at": row.Text("due_at"),
		"old_secret_valid_until": rotated.Text("old_secret_valid_until"), "to": replay.Text("to"),
	} {
		if at, err := time.Parse(time.RFC3339, text); err != nil || !at.Equal(at.Truncate(time.Microsecond)) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// A campaign that waits for its start doesn't begin because the start was removed.
func TestCampaign_Scheduled_KeepsAStart(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	at := "/v1/campaigns/" + f.Do("POST", "/v1/campaigns", m{
		"name": "x", "type": "text", "text": m{"body": "x"}, "start_at": "2035-01-01T10:00:00",
		"audience": m{"contacts": []m{{"to": "+12025550100"}}},
	}).Want(http.StatusCreated).ID()
	f.Do("POST", at+"/launch", nil).Want(http.StatusOK)
	f.Do("PATCH", at, m{"start_at": nil}).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/start_at")
	moved := f.Do("PATCH", at, m{"start_at": "2035-01-02T10:00:00"}).Want(http.StatusOK)
	if moved.Text("status") != "scheduled" || moved.Text("starts_at") != "2035-01-02T10:00:00Z" {
		t.Errorf("moved: %v", moved)
	}
	f.Do("POST", at+"/cancel", nil).Want(http.StatusOK)
	draft := "/v1/campaigns/" + f.Do("POST", "/v1/campaigns", m{
		"name": "y", "type": "text", "text": m{"body": "x"}, "start_at": "2035-01-01T10:00:00",
	}).Want(http.StatusCreated).ID()
	if got := f.Do("PATCH", draft, m{"start_at": nil}).Want(http.StatusOK); got.Text("status") != "draft" {
		t.Errorf("a draft: %v", got)
	}
}

// The body that cancels many is read as strictly as any other.
func TestCancelMany_FaultsAreNamed(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const id = `"0190b5a0-0000-7000-8000-000000000000"`
	for body, at := range map[string]string{
		`{"campaign":1}`: "/campaign /ids", `{"ids":[` + id + `],"id":1}`: "/id", `{"ids":5}`: "/ids", `{"ids":[5]}`: "/ids/0",
		`{"ids":["x"]}`: "/ids/0", `{"reference":5}`: "/reference", `{"ids":[` + id + `],"ids":[]}`: "/ids",
		`{"ids":[` + id + `],"reference":"a"}`: "/ids", `{}`: "/ids",
	} {
		f.Do("POST", "/v1/messages/cancel", json.RawMessage(body)).
			Refused(http.StatusUnprocessableEntity, dispatch.Invalid, strings.Fields(at)...)
	}
	for _, body := range []string{"", "{", `{"ids":[` + id + `]} x`} {
		f.Ask("POST", "/v1/messages/cancel", apitest.Sent{
			Headers: []string{"Authorization", "Bearer " + f.Key, "Content-Type", "application/json"}, Body: body,
		}).Refused(http.StatusBadRequest, dispatch.Malformed)
	}
}
