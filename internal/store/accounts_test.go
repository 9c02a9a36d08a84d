package store

import (
	"context"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// What an account had accepted before it was disabled is due, claimed and
// settled as any other message.
func TestSetDisabled_WhatWasAccepted_IsSent(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := context.Background()
	ids := f.messages(t, 1)
	version, err := f.ConfigVersion(ctx)
	must(t, err)
	_, err = f.SetDisabled(ctx, f.account, true)
	must(t, err)
	if now, err := f.ConfigVersion(ctx); err != nil || now == version {
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
