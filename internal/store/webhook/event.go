package webhook

import (
	"context"
	"slices"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Event is an event on its way to an endpoint, with all that a payload
// may tell.
type Event struct {
	dispatch.Event
	Webhook  int64  `db:"webhook_id"` // 0: the message's own status callback
	Format   string `db:"format"`
	Callback string `db:"callback"` // the address of the message's status callback
	SID      string `db:"sid"`      // the account's

	View    *dispatch.View `db:"-"` // of a status; nil: the message is gone
	Inbound *Inbound       `db:"-"`
	Sender  *Channel       `db:"-"` // the channel, if there is one
}

// Inbound is an inbound message with what the provider sent.
type Inbound struct {
	dispatch.Received
	Raw string `db:"raw"`
}

// Channel is what payloads tell of a channel.
type Channel struct {
	ID            int64  `db:"id"`
	Key           string `db:"key"`
	Provider      string `db:"provider"`
	Kind          string `db:"kind"`
	Sender        string `db:"sender"`
	PhoneNumberID string `db:"phone_number_id"`
	BusinessID    string `db:"waba_id"`
}

// Render makes the bytes of a delivery; false: the format has no word for it.
type Render func(*Event) (payload string, ok bool)

// fillEvents reads what the events of a page are about.
func (s *Store) fillEvents(ctx context.Context, tx *pg.DB, rows []Event) error {
	var messages, inbound []dispatch.ID
	var channels []int64
	for i := range rows {
		e := &rows[i]
		channels = append(channels, e.Channel)
		switch {
		case e.Kind <= int16(dispatch.Unknown):
			messages = append(messages, e.Message)
		case e.Kind == dispatch.EventInbound:
			inbound = append(inbound, e.Message)
		}
	}
	views, err := s.views(ctx, tx, messages)
	if err != nil {
		return err
	}
	var ins []Inbound
	if err := tx.SelectContext(ctx, &ins, `SELECT `+pg.Inbound+`, raw FROM inbound
	  WHERE id = ANY($1::uuid[])`, pg.UUIDArray(inbound)); err != nil {
		return pg.Wrap("read inbound messages", err)
	}
	var chs []Channel
	if err := tx.SelectContext(ctx, &chs, `SELECT id, key, provider, kind, sender, coalesce(settings->>'phone_number_id',
	  '') AS phone_number_id, coalesce(settings->>'waba_id', '') AS waba_id
		FROM channels WHERE id = ANY($1::bigint[])`, pg.IntArray(channels)); err != nil {
		return pg.Wrap("read channels", err)
	}
	for i := range rows {
		e := &rows[i]
		if j := slices.IndexFunc(chs, func(c Channel) bool { return c.ID == e.Channel }); j >= 0 {
			e.Sender = &chs[j]
		}
	}
	byID := make(map[dispatch.ID]*dispatch.View, len(views))
	for i := range views {
		byID[views[i].ID] = &views[i]
	}
	in := make(map[dispatch.ID]*Inbound, len(ins))
	for i := range ins {
		if err := ins[i].Open(); err != nil {
			return err
		}
		in[ins[i].ID] = &ins[i]
	}
	for i := range rows {
		rows[i].View, rows[i].Inbound = byID[rows[i].Message], in[rows[i].Message]
	}
	return nil
}
