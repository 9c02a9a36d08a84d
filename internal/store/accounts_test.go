package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// What an account had accepted before it was disabled is due, claimed and
// settled as any other message.
func TestSetDisabled_WhatWasAccepted_IsSent(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := context.Background()
	ids := f.messages(t, 1)
	version, _, err := f.accounts.ConfigVersion(ctx)
	must(t, err)
	_, err = f.accounts.SetDisabled(ctx, f.account, true)
	must(t, err)
	if now, _, err := f.accounts.ConfigVersion(ctx); err != nil || now == version {
		t.Errorf("config version %d as before (%v): nobody reads the account again", now, err)
	}
	due, err := f.DueMessages(ctx, dispatch.Normal, map[int64]int{f.channel: 10})
	must(t, err)
	if len(due) != 1 || due[0].ID != ids[0] || due[0].Expired {
		t.Errorf("due: %+v", due)
	}
	claim := f.claim(t, ids...)
	f.complete(t, outcome(ids[0], claim, Settle, ResultAccepted))
	if got := f.standing(t, ids[0]); got.Status != dispatch.Sent {
		t.Errorf("stands at %+v", got)
	}
}

// An account with messages is kept, whether they are finished or not.
func TestDeleteAccount_WithMessages_IsRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, prepare := range map[string]func(*fixture){
		"waiting":  func(f *fixture) { f.messages(t, 1) },
		"finished": func(f *fixture) { f.callback(t, f.messages(t, 1)[0], dispatch.Delivered) },
		"scheduled": func(f *fixture) {
			m := f.draft("+15550001000")
			m.SendAt = time.Now().Add(time.Hour)
			f.accept(t, m)
		},
		"received": func(f *fixture) {
			f.exec(t, `INSERT INTO inbound (id, account_id, channel_id, from_phone, type, provider_id, at) VALUES (gen_random_uuid(), $1, $2, `+
				`'+15550001000', 'text', 'x', now())`, f.account, f.channel)
		},
	} {
		f := open(t)
		prepare(f)
		if err := f.accounts.DeleteAccount(ctx, f.account); dispatch.CodeOf(err) != dispatch.Conflict ||
			!strings.Contains(err.Error(), "disable it instead") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := f.accounts.Channel(ctx, f.channel); err != nil {
			t.Errorf("%s: its channel: %v", name, err)
		}
	}
	f := open(t)
	must(t, f.accounts.DeleteAccount(ctx, f.account))
	if err := f.accounts.DeleteAccount(ctx, f.account); dispatch.CodeOf(err) != dispatch.NotFound {
		t.Errorf("a second time: %v", err)
	}
}
