package api_test

import (
	"net/http"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestContacts_Life(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	vip := f.do("POST", "/v1/lists", m{"name": "VIP"}).want(http.StatusCreated)
	r := f.do("POST", "/v1/contacts", m{"phone": "+91 98765-43210", "name": "Ada 100%", "fields": m{"n": 12345678901234567.0, "nested": m{"a": []any{nil, true}}}, "list_ids": []any{vip["id"]}})
	ada := r.want(http.StatusCreated)
	path := "/v1/contacts/" + ada.id()
	if r.header.Get("Location") != path || ada.text("phone") != "+919876543210" || ada.text("list_ids") != "[1]" || ada.text("fields.nested") != "map[a:[<nil> true]]" {
		t.Errorf("made: %s", r.body)
	}
	f.do("POST", "/v1/contacts", m{"phone": "919876543210"}).refused(http.StatusConflict, dispatch.Conflict)
	bob := f.do("POST", "/v1/contacts", m{"phone": "+15550000100", "name": "Bob"}).want(http.StatusCreated)
	changed := f.do("PATCH", path, m{"name": "Ada L", "fields": m{"city": "\u00fcber"}}).want(200)
	if changed.text("phone") != "+919876543210" || changed.text("fields") != "map[city:über]" || changed.text("list_ids") != "[1]" {
		t.Errorf("changed: %v", changed)
	}
	f.do("PATCH", path, m{"phone": "+15550000100"}).refused(http.StatusConflict, dispatch.Conflict)
	for query, want := range map[string]int{"": 2, "?search=ada": 1, "?search=%2B9198": 1, "?search=9198": 1, "?search=%25": 0, "?list=1": 1, "?list=9": 0, "?limit=1": 1, "?search=_": 0} {
		if got := f.do("GET", "/v1/contacts"+query, nil).want(200).data(); len(got) != want {
			t.Errorf("%s: %d contacts, want %d", query, len(got), want)
		}
	}
	page := f.do("GET", "/v1/contacts?limit=1", nil).want(200)
	second := f.do("GET", "/v1/contacts?limit=1&cursor="+page.text("next_cursor"), nil).want(200)
	if second.data()[0].id() != bob.id() || second["next_cursor"] != nil {
		t.Errorf("second page: %v", second)
	}
	f.do("DELETE", path, nil).want(http.StatusNoContent)
	f.do("GET", path, nil).refused(http.StatusNotFound, dispatch.NotFound)
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
		r := f.do("POST", "/v1/contacts", body)
		if at == "" {
			if r.status != 422 && r.status != 400 {
				t.Errorf("%s: %d %s", body, r.status, r.body)
			}
			continue
		}
		r.refused(422, dispatch.Invalid, at)
	}
	// Half a surrogate pair is JSON, but no text: it is replaced.
	made := f.do("POST", "/v1/contacts", `{"phone":"+15550000100","name":"\ud800","fields":{"a":"\udfff","big":123456789012345678901234567890}}`).want(http.StatusCreated)
	if made.text("name") != "\uFFFD" || made.text("fields.a") != "\uFFFD" {
		t.Errorf("made: %v", made)
	}
	f.do("GET", "/v1/contacts?search=%00", nil).refused(422, dispatch.Invalid, "/search")
	f.do("GET", "/v1/contacts?search=%ff", nil).refused(422, dispatch.Invalid, "/search")
}

func TestLists_Members(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	l := f.do("POST", "/v1/lists", m{"name": "News"}).want(http.StatusCreated)
	path := "/v1/lists/" + l.id()
	f.do("POST", "/v1/lists", m{"name": "News"}).refused(http.StatusConflict, dispatch.Conflict)
	f.do("POST", "/v1/lists", m{"name": " "}).refused(422, dispatch.Invalid, "/name")
	f.do("POST", "/v1/lists", m{}).refused(422, dispatch.Invalid, "/name")
	a := f.do("POST", "/v1/contacts", m{"phone": "+15550000101"}).want(201)
	b := f.do("POST", "/v1/contacts", m{"phone": "+15550000102"}).want(201)
	f.do("POST", path+"/members", m{"contact_ids": []any{a["id"], 99}}).refused(422, dispatch.Invalid, "/contact_ids/1")
	for range 2 {
		if got := f.do("POST", path+"/members", m{"contact_ids": []any{a["id"], b["id"], a["id"]}}).want(200); got.text("members") != "2" {
			t.Errorf("members: %v", got)
		}
	}
	f.do("DELETE", path+"/members/"+a.id(), nil).want(http.StatusNoContent)
	f.do("DELETE", path+"/members/"+a.id(), nil).refused(http.StatusNotFound, dispatch.NotFound)
	if got := f.do("PATCH", path, m{"name": "Old news"}).want(200); got.text("name") != "Old news" || got.text("members") != "1" {
		t.Errorf("renamed: %v", got)
	}
	if got := f.do("GET", "/v1/lists", nil).want(200).data(); len(got) != 1 || got[0].text("members") != "1" {
		t.Errorf("lists: %v", got)
	}
	f.do("DELETE", path, nil).want(http.StatusNoContent)
	f.do("GET", path, nil).refused(http.StatusNotFound, dispatch.NotFound)
	f.do("GET", "/v1/contacts/"+b.id(), nil).want(200)
}

func TestSuppressions_StopSends(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.do("PATCH", "/v1/channels/1", m{"window": "provider"}).want(200)
	text := m{"to": "+15550000100", "type": "text", "text": m{"body": "hi"}}
	made := f.do("POST", "/v1/suppressions", m{"phone": "1 555 000 0100", "reason": "asked by phone"}).want(http.StatusCreated)
	if made.text("phone") != "+15550000100" || made.text("reason") != "manual" || made.text("detail") != "asked by phone" {
		t.Errorf("made: %v", made)
	}
	f.do("POST", "/v1/suppressions", m{"phone": "+15550000100"}).want(http.StatusCreated)
	f.do("POST", "/v1/suppressions", m{"phone": "+4915112345678"}).want(http.StatusCreated)
	f.do("POST", "/v1/suppressions", m{"phone": "me"}).refused(422, dispatch.Invalid, "/phone")
	f.do("POST", "/v1/messages", text).want(422)
	for query, want := range map[string]int{"": 2, "?limit=1": 1, "?search=%2B1": 1, "?search=49151": 1, "?search=x": 0} {
		if got := f.do("GET", "/v1/suppressions"+query, nil).want(200).data(); len(got) != want {
			t.Errorf("%s: %d, want %d", query, len(got), want)
		}
	}
	page := f.do("GET", "/v1/suppressions?limit=1", nil).want(200)
	if next := f.do("GET", "/v1/suppressions?limit=1&cursor="+page.text("next_cursor"), nil).want(200).data(); next[0].text("phone") != "+4915112345678" {
		t.Errorf("next: %v", next)
	}
	f.do("DELETE", "/v1/suppressions/+15550000100", nil).want(http.StatusNoContent)
	f.do("DELETE", "/v1/suppressions/%2B4915112345678", nil).want(http.StatusNoContent)
	f.do("DELETE", "/v1/suppressions/%2B4915112345678", nil).refused(http.StatusNotFound, dispatch.NotFound)
	f.do("DELETE", "/v1/suppressions/me", nil).refused(http.StatusNotFound, dispatch.NotFound)
	f.do("POST", "/v1/messages", text).want(http.StatusAccepted)
}
