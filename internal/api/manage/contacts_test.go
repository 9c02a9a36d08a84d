package manage_test

import (
	"net/http"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestContacts_Life(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	vip := f.Do("POST", "/v1/lists", m{"name": "VIP"}).Want(http.StatusCreated)
	r := f.Do(
		"POST",
		"/v1/contacts",
		m{
			"phone":    "+91 98765-43210",
			"name":     "Ada 100%",
			"fields":   m{"n": 12345678901234567.0, "nested": m{"a": []any{nil, true}}},
			"list_ids": []any{vip["id"]},
		},
	)
	ada := r.Want(http.StatusCreated)
	path := "/v1/contacts/" + ada.ID()
	if r.Header.Get("Location") != path || ada.Text("phone") != "+919876543210" || ada.Text("list_ids") != "[1]" ||
		ada.Text("fields.nested") != "map[a:[<nil> true]]" {
		t.Errorf("made: %s", r.Body)
	}
	f.Do("POST", "/v1/contacts", m{"phone": "919876543210"}).Refused(http.StatusConflict, dispatch.Conflict)
	bob := f.Do("POST", "/v1/contacts", m{"phone": "+15550000100", "name": "Bob"}).Want(http.StatusCreated)
	changed := f.Do("PATCH", path, m{"name": "Ada L", "fields": m{"city": "\u00fcber"}}).Want(200)
	if changed.Text("phone") != "+919876543210" || changed.Text("fields") != "map[city:über]" || changed.Text("list_ids") != "[1]" {
		t.Errorf("changed: %v", changed)
	}
	f.Do("PATCH", path, m{"phone": "+15550000100"}).Refused(http.StatusConflict, dispatch.Conflict)
	for query, want := range map[string]int{
		"": 2, "?search=ada": 1, "?search=%2B9198": 1, "?search=9198": 1, "?search=%25": 0, "?list=1": 1,
		"?list=9": 0, "?limit=1": 1, "?search=_": 0,
	} {
		if got := f.Do("GET", "/v1/contacts"+query, nil).Want(200).Data(); len(got) != want {
			t.Errorf("%s: %d contacts, want %d", query, len(got), want)
		}
	}
	page := f.Do("GET", "/v1/contacts?limit=1", nil).Want(200)
	second := f.Do("GET", "/v1/contacts?limit=1&cursor="+page.Text("next_cursor"), nil).Want(200)
	if second.Data()[0].ID() != bob.ID() || second["next_cursor"] != nil {
		t.Errorf("second page: %v", second)
	}
	f.Do("DELETE", path, nil).Want(http.StatusNoContent)
	f.Do("GET", path, nil).Refused(http.StatusNotFound, dispatch.NotFound)
}

func TestContacts_WhatPostgresCantKeep_IsRefused(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for body, at := range map[string]string{
		`{"phone":"+15550000100","fields":{"a":"x\u0000y"}}`:         "/fields/a",
		`{"phone":"+15550000100","fields":{"a\u0000":1}}`:            "/fields",
		`{"phone":"+15550000100","fields":{"a":1e400000}}`:           "/fields/a",
		`{"phone":"+15550000100","fields":[1]}`:                      "/fields",
		`{"phone":"+15550000100","fields":"x"}`:                      "/fields",
		`{"phone":"hello"}`:                                          "/phone",
		`{"phone":"+1"}`:                                             "/phone",
		`{"name":"x"}`:                                               "/phone",
		`{"phone":15550000100}`:                                      "/phone",
		`{"phone":"+15550000100","list_ids":[7]}`:                    "/list_ids/0",
		`{"phone":"+15550000100","list_ids":["a"]}`:                  "/list_ids/0",
		`{"phone":"+15550000100","list_ids":[99999999999999999999]}`: "",
	} {
		r := f.Do("POST", "/v1/contacts", body)
		if at == "" {
			if r.Status != 422 && r.Status != 400 {
				t.Errorf("%s: %d %s", body, r.Status, r.Body)
			}
			continue
		}
		r.Refused(422, dispatch.Invalid, at)
	}
	// Half a surrogate pair is JSON, but no text: it is replaced.
	made := f.Do("POST", "/v1/contacts", `{"phone":"+15550000100","name":"\ud800","fields":{"a":"\udfff",`+
		`"big":123456789012345678901234567890}}`).
		Want(http.StatusCreated)
	if made.Text("name") != "\uFFFD" || made.Text("fields.a") != "\uFFFD" {
		t.Errorf("made: %v", made)
	}
	f.Do("GET", "/v1/contacts?search=%00", nil).Refused(422, dispatch.Invalid, "/search")
	f.Do("GET", "/v1/contacts?search=%ff", nil).Refused(422, dispatch.Invalid, "/search")
}

func TestLists_Members(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	l := f.Do("POST", "/v1/lists", m{"name": "News"}).Want(http.StatusCreated)
	path := "/v1/lists/" + l.ID()
	f.Do("POST", "/v1/lists", m{"name": "News"}).Refused(http.StatusConflict, dispatch.Conflict)
	f.Do("POST", "/v1/lists", m{"name": " "}).Refused(422, dispatch.Invalid, "/name")
	f.Do("POST", "/v1/lists", m{}).Refused(422, dispatch.Invalid, "/name")
	a := f.Do("POST", "/v1/contacts", m{"phone": "+15550000101"}).Want(201)
	b := f.Do("POST", "/v1/contacts", m{"phone": "+15550000102"}).Want(201)
	f.Do("POST", path+"/members", m{"contact_ids": []any{a["id"], 99}}).Refused(422, dispatch.Invalid, "/contact_ids/1")
	for range 2 {
		if got := f.Do("POST", path+"/members", m{"contact_ids": []any{a["id"], b["id"], a["id"]}}).Want(200); got.Text("members") != "2" {
			t.Errorf("members: %v", got)
		}
	}
	f.Do("DELETE", path+"/members/"+a.ID(), nil).Want(http.StatusNoContent)
	f.Do("DELETE", path+"/members/"+a.ID(), nil).Refused(http.StatusNotFound, dispatch.NotFound)
	if got := f.Do("PATCH", path, m{"name": "Old news"}).Want(200); got.Text("name") != "Old news" || got.Text("members") != "1" {
		t.Errorf("renamed: %v", got)
	}
	if got := f.Do("GET", "/v1/lists", nil).Want(200).Data(); len(got) != 1 || got[0].Text("members") != "1" {
		t.Errorf("lists: %v", got)
	}
	f.Do("DELETE", path, nil).Want(http.StatusNoContent)
	f.Do("GET", path, nil).Refused(http.StatusNotFound, dispatch.NotFound)
	f.Do("GET", "/v1/contacts/"+b.ID(), nil).Want(200)
}

func TestSuppressions_StopSends(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	text := m{"to": "+15550000100", "type": "text", "text": m{"body": "hi"}}
	made := f.Do("POST", "/v1/suppressions", m{"phone": "1 555 000 0100", "reason": "asked by phone"}).Want(http.StatusCreated)
	if made.Text("phone") != "+15550000100" || made.Text("reason") != "manual" || made.Text("detail") != "asked by phone" {
		t.Errorf("made: %v", made)
	}
	f.Do("POST", "/v1/suppressions", m{"phone": "+15550000100"}).Want(http.StatusCreated)
	f.Do("POST", "/v1/suppressions", m{"phone": "+4915112345678"}).Want(http.StatusCreated)
	again := m{"phone": "+4915112345679", "scope": "marketing", "reason": "manual", "detail": "as it was returned"}
	if got := f.Do("POST", "/v1/suppressions", again).Want(http.StatusCreated); got.Text("detail") != "as it was returned" {
		t.Errorf("with a detail: %v", got)
	}
	f.Do("DELETE", "/v1/suppressions/+4915112345679", nil).Want(http.StatusNoContent)
	f.Do("POST", "/v1/suppressions", m{"phone": "me"}).Refused(422, dispatch.Invalid, "/phone")
	f.Do("POST", "/v1/messages", text).Want(422)
	for query, want := range map[string]int{"": 2, "?limit=1": 1, "?search=%2B1": 1, "?search=49151": 1, "?search=x": 0} {
		if got := f.Do("GET", "/v1/suppressions"+query, nil).Want(200).Data(); len(got) != want {
			t.Errorf("%s: %d, want %d", query, len(got), want)
		}
	}
	page := f.Do("GET", "/v1/suppressions?limit=1", nil).Want(200)
	if next := f.Do("GET", "/v1/suppressions?limit=1&cursor="+page.Text("next_cursor"), nil).Want(200).Data(); next[0].Text(
		"phone",
	) != "+4915112345678" {
		t.Errorf("next: %v", next)
	}
	f.Do("DELETE", "/v1/suppressions/+15550000100", nil).Want(http.StatusNoContent)
	f.Do("DELETE", "/v1/suppressions/%2B4915112345678", nil).Want(http.StatusNoContent)
	f.Do("DELETE", "/v1/suppressions/%2B4915112345678", nil).Refused(http.StatusNotFound, dispatch.NotFound)
	f.Do("DELETE", "/v1/suppressions/me", nil).Refused(http.StatusNotFound, dispatch.NotFound)
	f.Do("POST", "/v1/messages", text).Want(http.StatusAccepted)
}

func TestContacts_WithoutANumber_ZonesAndFields(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	vip := f.Do("POST", "/v1/lists", m{"name": "VIP", "time_zone": "Asia/Calcutta"}).Want(http.StatusCreated)
	if vip.Text("time_zone") != "Asia/Kolkata" || vip.Text("count") != "0" {
		t.Errorf("list: %v", vip)
	}
	f.Do("POST", "/v1/lists", m{"name": "x", "time_zone": "Mars/Base"}).Refused(422, dispatch.Invalid, "/time_zone")
	ada := f.Do("POST", "/v1/contacts", m{
		"user_id": "DE.2000", "name": "Ada", "time_zone": "Europe/Berlin",
		"fields": m{"city": "Köln", "n": 7}, "lists": []any{vip["id"]},
	}).
		Want(http.StatusCreated)
	if ada["phone"] != nil || ada.Text("user_id") != "DE.2000" || ada.Text("time_zone") != "Europe/Berlin" || ada.Text("lists") != "[1]" {
		t.Errorf("made: %v", ada)
	}
	bob := f.Do("POST", "/v1/contacts", m{"phone": "+15550000100", "wa_id": "15550000100"}).Want(http.StatusCreated)
	f.Do("POST", "/v1/contacts", m{"user_id": "DE.2000"}).Refused(http.StatusConflict, dispatch.Conflict)
	f.Do("POST", "/v1/contacts", m{"wa_id": "15550000100"}).Refused(http.StatusConflict, dispatch.Conflict)
	f.Do("PATCH", "/v1/contacts/"+ada.ID(), m{"wa_id": "15550000100"}).Refused(http.StatusConflict, dispatch.Conflict)
	for body, at := range map[string]string{
		`{"user_id":"bob"}`: "/user_id", `{"wa_id":"x"}`: "/wa_id", `{"phone":"+15550000101","time_zone":"CET/X"}`: "/time_zone",
		`{"phone":"+15550000101","lists":[9]}`: "/lists/0", `{"wa_id":""}`: "/phone",
	} {
		f.Do("POST", "/v1/contacts", body).Refused(422, dispatch.Invalid, at)
	}
	for query, want := range map[string]int{
		"?search=k%C3%B6ln": 1, "?search=DE.2000": 1, "?search=1555": 1, "?field=city:K%C3%B6ln": 1, "?field=n:7": 1,
		"?field=city:Bonn": 0, "?search=city": 0,
	} {
		if got := f.Do("GET", "/v1/contacts"+query, nil).Want(200).Data(); len(got) != want {
			t.Errorf("%s: %d contacts, want %d", query, len(got), want)
		}
	}
	f.Do("GET", "/v1/contacts?field=city", nil).Refused(422, dispatch.Invalid, "/field")
	moved := f.Do("PATCH", "/v1/contacts/"+bob.ID(), m{"phone": "+15550000101", "lists": []any{vip["id"]}}).Want(200)
	if moved["wa_id"] != nil || moved.Text("lists") != "[1]" {
		t.Errorf("the wa_id was of the number before: %v", moved)
	}
	if l := f.Do("PATCH", "/v1/lists/1", m{"time_zone": ""}).Want(200); l.Text("name") != "VIP" || l["time_zone"] != nil ||
		l.Text("count") != "2" {
		t.Errorf("list: %v", l)
	}
	if c := f.Do("PATCH", "/v1/contacts/"+bob.ID(), m{"lists": []any{}}).Want(200); c.Text("lists") != "[]" {
		t.Errorf("lists: %v", c)
	}
}
