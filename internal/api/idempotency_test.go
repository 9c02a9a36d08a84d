package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/wait"
)

// post sends a body with a key and, unless it is empty, an Idempotency-Key.
func (f *front) post(key, idem, path, body string) *reply {
	f.T.Helper()
	req, err := http.NewRequestWithContext(f.T.Context(), http.MethodPost, f.URL+path, strings.NewReader(body))
	if err != nil {
		f.T.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	if idem != "" {
		req.Header.Set("Idempotency-Key", idem)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.T.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.T.Fatal(err)
	}
	return &reply{T: f.T, What: "POST " + path, Status: res.StatusCode, Header: res.Header, Body: raw}
}

// repeats reports an error unless r repeats the answer first.
func repeats(r, first *reply) {
	r.T.Helper()
	if r.Status != first.Status || !bytes.Equal(r.Body, first.Body) || r.Header.Get("Idempotent-Replayed") != "true" {
		r.T.Errorf(
			"%s: got %d %s (Idempotent-Replayed %q), the first answer was %d %s",
			r.What,
			r.Status,
			r.Body,
			r.Header.Get("Idempotent-Replayed"),
			first.Status,
			first.Body,
		)
	}
}

// text is a request for a text to a number; more JSON fields may follow.
func text(to, more string) string {
	return fmt.Sprintf(`{"to":%q,"type":"text","text":{"body":"hi"}%s}`, to, more)
}

// templated is a request for the template hello.
func templated(to string) string {
	return fmt.Sprintf(`{"to":%q,"type":"template","template":{"name":"hello","language":"en"}}`, to)
}

const someone, somebodyElse = "+15550000100", "+15550000101"

// What was accepted is answered as the first time, whatever stands in its way
// since; a new message is refused for it, and so is another body.
func TestRepeats_WhateverHasChanged_GetTheFirstAnswer(t *testing.T) {
	t.Parallel()
	nothing := func(asker, *account.Key) {}
	for name, c := range map[string]struct {
		key     func(*account.Key)
		body    func(to string) string // SOON in it is a time three seconds ahead
		change  func(asker, *account.Key)
		refused int
		code    dispatch.Code
	}{
		"template paused": {
			body: templated, refused: 422, code: dispatch.Invalid,
			change: func(a asker, _ *account.Key) { a.Do("PATCH", "/v1/templates/1", m{"status": "paused"}).Want(200) },
		},
		"channel disabled": {
			body: templated, refused: 422, code: dispatch.Invalid,
			change: func(a asker, _ *account.Key) { a.Do("PATCH", "/v1/channels/1", m{"enabled": false}).Want(200) },
		},
		"opted out": {
			body: templated, refused: 422, code: dispatch.Suppressed,
			change: func(a asker, _ *account.Key) {
				a.Do("POST", "/v1/suppressions", m{"phone": someone}).Want(201)
				a.Do("POST", "/v1/suppressions", m{"phone": somebodyElse}).Want(201)
			},
		},
		"balance used up": {
			body: templated, refused: 402, code: dispatch.LowBalance,
			change: func(a asker, _ *account.Key) { a.Do("POST", "/v1/credits", m{"amount": -1, "enabled": true}).Want(200) },
		},
		"country taken away": {
			body: templated, refused: 403, code: dispatch.CountryNotAllowed,
			change: func(a asker, k *account.Key) {
				a.Do("PATCH", fmt.Sprintf("/v1/keys/%d", k.ID), m{"countries": []string{"DE"}}).Want(200)
			},
		},
		"permission taken away": {
			body: templated, refused: 403, code: dispatch.Forbidden,
			change: func(a asker, k *account.Key) {
				a.Do("PATCH", fmt.Sprintf("/v1/keys/%d", k.ID), m{"permissions": []string{"send_text"}}).Want(200)
			},
		},
		"window closed": {
			body: func(to string) string { return text(to, "") }, refused: 422, code: dispatch.OutsideWindow, change: nothing,
		},
		"expires_at passed": {
			body: func(to string) string {
				return fmt.Sprintf(`{"to":%q,"type":"template","template":{"name":"hello","language":"en"},"expires_at":"SOON"}`, to)
			},
			refused: 422, code: dispatch.Invalid, change: nothing,
		},
		"daily limit": {
			key: func(k *account.Key) { k.PerDay = 1 }, body: templated, refused: 429, code: dispatch.DailyLimited, change: nothing,
		},
		"messages per recipient": {
			key: func(k *account.Key) { k.PerRecipientHour = new(1) }, body: templated, refused: 429, code: dispatch.RateLimited, change: nothing,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := asker{front: newFront(t)}
			a.Do("POST", "/v1/templates", m{
				"name": "hello", "language": "en", "category": "utility",
				"components": []m{{"type": "body", "text": "Hello"}},
			}).
				Want(201)
			key, made := a.NewKeyWith(func(k *account.Key) {
				if c.key != nil {
					c.key(k)
				}
			})
			opened := dispatch.Inbound{
				Channel:    a.Channel.ID,
				From:       someone,
				ProviderID: "x",
				Type:       "text",
				Text:       "hi",
				Raw:        "{}",
				At:         time.Now().Add(3*time.Second - 24*time.Hour),
			}
			if _, err := a.Store.InsertInbound(t.Context(), opened.Channel, []dispatch.Inbound{opened}); err != nil {
				t.Fatal(err)
			}
			soon := time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339Nano)
			post := func(idem, to string) *reply {
				return a.post(key, idem, "/v1/messages", strings.Replace(c.body(to), "SOON", soon, 1))
			}
			first := post("once", someone)
			first.Want(202)
			c.change(a, &made)
			wait.Until(t, "a new message is refused", func() bool { return post("", someone).Status == c.refused })
			var p struct {
				Code dispatch.Code `json:"code"`
			}
			if err := json.Unmarshal(post("", someone).Body, &p); err != nil || p.Code != c.code {
				t.Errorf("a new message is refused with %q, want %q (%v)", p.Code, c.code, err)
			}
			for range 7 { // more than any limit above
				repeats(post("once", someone), first)
			}
			post("once", somebodyElse).Refused(422, dispatch.KeyReused)
		})
	}
}

// A repeat spends nothing of what bounds messages: neither the recipient's hour
// nor the key's day.
func TestRepeats_OfABatch_CountNothing(t *testing.T) {
	t.Parallel()
	a := asker{front: newFront(t)}
	a.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	key, _ := a.NewKeyWith(func(k *account.Key) { k.PerDay, k.PerRecipientHour = 4, new(1) })
	lines := func(n int) string {
		var b []string
		for i := range n {
			b = append(b, text(fmt.Sprintf("+1555000020%d", i), ""))
		}
		return `{"messages":[` + strings.Join(b, ",") + `]}`
	}
	type result struct {
		ID    string `json:"message_id"`
		Error *struct {
			Code dispatch.Code `json:"code"`
		} `json:"error"`
	}
	post := func(n int) (*reply, []result) {
		r := a.post(key, "batch", "/v1/messages/batch", lines(n))
		r.Want(202)
		var got struct {
			Results []result `json:"results"`
		}
		if err := json.Unmarshal(r.Body, &got); err != nil {
			t.Fatal(err)
		}
		return r, got.Results
	}
	first, ids := post(3)
	for range 3 {
		again, _ := post(3)
		repeats(again, first)
	}
	_, more := post(5) // goes on with what the day allows
	for i, r := range more {
		switch {
		case i < 3 && (r.Error != nil || r.ID != ids[i].ID), i == 3 && r.Error != nil:
			t.Errorf("result %d: %+v, first %+v", i, r, ids[min(i, 2)])
		case i == 4 && (r.Error == nil || r.Error.Code != dispatch.DailyLimited):
			t.Errorf("result %d, beyond the daily limit: %+v", i, r)
		}
	}
}

// once is v with an Idempotency-Key in each request.
func (v vendorCase) once(idem string) vendorCase {
	key := v.key
	v.key = func(r *http.Request, secret string) {
		key(r, secret)
		r.Header.Set("Idempotency-Key", idem)
	}
	return v
}

// Every format's front door repeats alike, also those whose request makes
// several messages.
func TestDialects_Repeats_GetTheFirstAnswer(t *testing.T) {
	t.Parallel()
	a := asker{front: newFront(t)}
	things := a.property("ours", a.Account, a.Key, "1")
	for name, value := range things {
		a.things = append(a.things, name, value)
	}
	several := sending("several recipients", "/v2/{SID}/whatsapp/{ours.sender}/messages",
		strings.Replace(fill(kaleyraTemplate, "{TEMPLATE}", "{ours.template}"), someone, someone+","+somebodyElse, 1))
	repeated := map[string]func() (answered, string){}
	first := map[string]string{}
	for _, v := range vendorCases() {
		sends := slices.Clone(v.sends)
		if v.name == "kaleyra" {
			sends = append(sends, several)
		}
		for _, q := range sends {
			name := v.name + " " + q.name
			ask := func() (answered, string) {
				return a.Ask(v.once(strings.ReplaceAll(name, " ", "-")), a.Key, a.Account.SID, q)
			}
			got, body := ask()
			if got.status != v.ok {
				t.Fatalf("%s: %d %s", name, got.status, body)
			}
			first[name], repeated[name] = body, ask
			if name == "kaleyra several recipients" && strings.Count(body, "message_id") < 3 {
				t.Errorf("%s: %s", name, body)
			}
		}
	}
	for _, to := range []string{someone, somebodyElse} {
		a.Do("POST", "/v1/suppressions", m{"phone": to}).Want(201)
	}
	a.Do("PATCH", "/v1/templates/"+things["{ours.template_id}"], m{"status": "paused"}).Want(200)
	for _, name := range slices.Sorted(maps.Keys(first)) {
		if got, body := repeated[name](); body != first[name] {
			t.Errorf("%s: %d %s, the first answer was %s", name, got.status, body, first[name])
		}
	}
}

// A time to send that has passed since the first request is the same request
// still.
func TestDialects_RepeatsAfterTheTimeToSend_GetTheFirstAnswer(t *testing.T) {
	t.Parallel()
	a := asker{front: newFront(t)}
	for name, value := range a.property("ours", a.Account, a.Key, "1") {
		a.things = append(a.things, name, value)
	}
	at := time.Now().Add(3 * time.Second).UTC()
	stamp := at.Format("2006-01-02T15:04:05.000Z")
	cases := map[string]dialectAsk{
		"twilio": sending(
			"",
			"/2010-04-01/Accounts/{SID}/Messages.json",
			"To=%2B15550000100&From={ours.sms_sender}&Body=x&ScheduleType=fixed&SendAt="+stamp,
		),
		"sociocs": sending(
			"",
			"/message",
			`{"provider":"twlo","channel_key":"{ours.sms_key}","to":"+15550000100","text":"x","schedule":"`+stamp+`"}`,
		),
	}
	native := text(someone, `,"channel":"`+fill("{ours.sms_key}", a.things...)+`","send_at":"`+stamp+`"`)
	firstNative := a.post(a.Key, "once", "/v1/messages", native)
	firstNative.Want(202)
	first := map[string]string{}
	ask := func(v vendorCase) (answered, string) { return a.Ask(v, a.Key, a.Account.SID, cases[v.name]) }
	vendors := slices.DeleteFunc(vendorCases(), func(v vendorCase) bool { return cases[v.name].path == "" })
	for _, v := range vendors {
		got, body := ask(v.once(v.name))
		if got.status != v.ok {
			t.Fatalf("%s: %d %s", v.name, got.status, body)
		}
		first[v.name] = body
	}
	wait.Until(t, "the time to send is long over for Twilio", func() bool { return time.Since(at) > 1200*time.Millisecond })
	repeats(a.post(a.Key, "once", "/v1/messages", native), firstNative)
	for _, v := range vendors {
		if got, body := ask(v.once(v.name)); body != first[v.name] {
			t.Errorf("%s: %d %s, the first answer was %s", v.name, got.status, body, first[v.name])
		}
		if got, body := ask(v); v.name == "twilio" && got.said != "35114" {
			t.Errorf("a new message for a time that has passed: %d %s", got.status, body)
		}
	}
}

// What was rehearsed with a test key is sent all the same with a live one.
func TestRepeats_OfATestKeysMessage_WithALiveKey_IsNew(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	made := f.Do("POST", "/v1/keys", m{"name": "test", "test": true, "permissions": []string{"send_text"}}).Want(201)
	rehearsed := f.post(made.Text("key"), "once", "/v1/messages", text(someone, ""))
	rehearsed.Want(202)
	live := f.post(f.Key, "once", "/v1/messages", text(someone, ""))
	if id := live.Want(202).Text("message_id"); id == rehearsed.Want(202).Text("message_id") {
		t.Errorf("a live key got the test key's message %s", id)
	}
	repeats(f.post(made.Text("key"), "once", "/v1/messages", text(someone, "")), rehearsed)
	repeats(f.post(f.Key, "once", "/v1/messages", text(someone, "")), live)
}

// Of repeats at once one is accepted and the others hear that it is running, or
// get its answer; whatever the number, they count as one message.
func TestRepeats_AtOnce_CountOnce(t *testing.T) {
	t.Parallel()
	a := asker{front: newFront(t)}
	a.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	key, _ := a.NewKeyWith(func(k *account.Key) { k.PerDay, k.PerRecipientHour = 1, new(1) })
	replies := make([]*reply, 40)
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() { replies[i] = a.post(key, "once", "/v1/messages", text(someone, "")) })
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, r := range replies {
		switch r.Status {
		case http.StatusAccepted:
			ids[r.Want(202).Text("message_id")] = true
		default:
			r.Refused(http.StatusConflict, dispatch.InProgress)
			if r.Header.Get("Retry-After") != "1" {
				t.Errorf("Retry-After %q", r.Header.Get("Retry-After"))
			}
		}
	}
	if len(ids) != 1 {
		t.Errorf("messages %v, want one", ids)
	}
}
