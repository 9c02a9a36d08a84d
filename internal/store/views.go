package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

var viewColumns = numbers.SQL(`m.id, m.account_id, m.channel_id, m.lane, m.type, m.recipient, m.content, m.reference, m.metadata, m.user_id,
  m.campaign_id, m.parent_id, m.child_id,
  m.test, m.status, m.maybe_sent OR coalesce(d.maybe_sent, false) AS maybe_sent, m.anomaly, m.provider_message_id, m.error_code,
    m.error_provider_code, m.error_message,
  m.segments, m.price, m.send_at, m.expires_at, m.created_at, m.updated_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at, m.version,
  coalesce(d.state, p.state) AS d_state, d.wake_at AS d_wake, d.due_at AS d_due, coalesce(d.due_at > now(), false) AS d_later,
  coalesce(d.attempts, p.state, 0) + coalesce(d.rl_hits, 0) AS d_tries,
  d.claim IS NOT NULL OR coalesce(p.state = {claimed}, false) AS d_claimed,
  m.status = {sent} AND m.sent_at < now() - interval '72 hours' AS no_receipt, c.kind AS channel_kind, c.sender,
  coalesce((SELECT i.person FROM identities i WHERE i.account_id = m.account_id AND i.value = m.recipient), 0) AS person`)

// viewFrom has in p where a message without a row in dispatch is: in a page, ready, or in a
// claim, for its first call.
var viewFrom = numbers.SQL(` FROM messages m LEFT JOIN dispatch d ON d.message_id = m.id LEFT JOIN channels c ON c.id = m.channel_id
  LEFT JOIN LATERAL (SELECT CASE WHEN EXISTS (SELECT 1 FROM backlog b WHERE b.page = m.page AND m.id = ANY(b.ids)) THEN {ready}
    ELSE {claimed} END::smallint AS state WHERE d.message_id IS NULL AND ` + held + `) p ON true `)

var sqlViews = `SELECT ` + viewColumns + viewFrom + `WHERE m.id = ANY($1::uuid[])`

const sqlCountAttempts = `SELECT message_id, count(*) AS n FROM attempts WHERE message_id = ANY($1::uuid[]) GROUP BY 1`

type viewRow struct {
	ID          dispatch.ID  `db:"id"`
	Account     int64        `db:"account_id"`
	Channel     int64        `db:"channel_id"`
	Lane        int16        `db:"lane"`
	Type        string       `db:"type"`
	To          string       `db:"recipient"`
	Content     string       `db:"content"`
	Reference   *string      `db:"reference"`
	Metadata    *string      `db:"metadata"`
	User        *string      `db:"user_id"`
	Campaign    int64        `db:"campaign_id"`
	Parent      *dispatch.ID `db:"parent_id"`
	Child       *dispatch.ID `db:"child_id"`
	Test        bool         `db:"test"`
	Status      int16        `db:"status"`
	MaybeSent   bool         `db:"maybe_sent"`
	Anomaly     bool         `db:"anomaly"`
	ProviderID  *string      `db:"provider_message_id"`
	ErrCode     *string      `db:"error_code"`
	ErrProvider *string      `db:"error_provider_code"`
	ErrMsg      *string      `db:"error_message"`
	Segments    int          `db:"segments"`
	Price       int64        `db:"price"`
	SendAt      *time.Time   `db:"send_at"`
	ExpiresAt   time.Time    `db:"expires_at"`
	CreatedAt   time.Time    `db:"created_at"`
	UpdatedAt   time.Time    `db:"updated_at"`
	SentAt      *time.Time   `db:"sent_at"`
	DeliveredAt *time.Time   `db:"delivered_at"`
	ReadAt      *time.Time   `db:"read_at"`
	FailedAt    *time.Time   `db:"failed_at"`
	Version     int          `db:"version"`
	DState      *int16       `db:"d_state"`
	DWake       *time.Time   `db:"d_wake"`
	DDue        *time.Time   `db:"d_due"`
	DLater      *bool        `db:"d_later"`
	DTries      int          `db:"d_tries"`
	DClaimed    bool         `db:"d_claimed"`
	NoReceipt   bool         `db:"no_receipt"`
	ChannelKind *string      `db:"channel_kind"`
	Person      int64        `db:"person"`
	Sender      *string      `db:"sender"`
}

// status derives what the API shows of an unfinished message from where its
// row is: scheduled, dispatch waiting, or dispatch claimed.
func (r *viewRow) status() dispatch.Status {
	st := dispatch.Status(r.Status)
	switch {
	case st != dispatch.Queued:
		return st
	case r.DState == nil:
		return dispatch.Scheduled // in scheduled
	case *r.DState == stateClaimed || *r.DState == stateResolving:
		return dispatch.Sending
	case r.SendAt != nil && *r.DLater && r.DTries == 0 && r.DDue.Equal(*r.SendAt):
		return dispatch.Scheduled
	}
	return dispatch.Queued
}

func (r *viewRow) view() dispatch.View {
	st := r.status()
	v := dispatch.View{
		ID: r.ID, Status: st, StatusName: st.String(), Account: r.Account, Channel: r.Channel, ChannelKind: pg.Text(r.ChannelKind),
		Sender:    pg.Text(r.Sender),
		Recipient: r.To, Type: dispatch.Type(r.Type), Content: json.RawMessage(r.Content), Lane: dispatch.Lane(r.Lane).String(),
		Reference: pg.Text(r.Reference),
		Metadata:  json.RawMessage(pg.Text(r.Metadata)), UserID: pg.Text(r.User), Campaign: r.Campaign, ParentID: r.Parent,
		ChildID: r.Child, Test: r.Test,
		MaybeSent: r.MaybeSent, Anomaly: r.Anomaly, ProviderMessageID: pg.Text(r.ProviderID), Segments: r.Segments, SendAt: r.SendAt,
		ExpiresAt: r.ExpiresAt,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, SentAt: r.SentAt, DeliveredAt: r.DeliveredAt, ReadAt: r.ReadAt, FailedAt: r.FailedAt,
		Attempts: r.DTries, Version: r.Version*1000 + int(st),
	}
	if r.NoReceipt {
		v.Receipt = "none"
	}
	if r.ErrCode != nil {
		v.Error = &dispatch.ViewError{Code: *r.ErrCode, ProviderCode: pg.Text(r.ErrProvider), Message: pg.Text(r.ErrMsg)}
	}
	if r.Price != 0 {
		v.Price = Credits(r.Price)
	}
	if r.DState != nil && *r.DState == stateReady && *r.DLater && r.DTries > 0 {
		v.NextAttemptAt = r.DDue
	}
	if r.DState != nil {
		v.Hold = dispatch.Hold{
			Wake: r.DWake, Due: r.DDue, Claimed: r.DClaimed, Resolving: *r.DState == stateResolving, Campaign: *r.DState == stateHeld,
		}
	}
	return v
}

// Credits writes millionths as a decimal number.
func Credits(millionths int64) json.Number {
	sign := ""
	if millionths < 0 {
		sign, millionths = "-", -millionths
	}
	s := fmt.Sprintf("%s%d.%06d", sign, millionths/1e6, millionths%1e6)
	return json.Number(strings.TrimSuffix(strings.TrimRight(s, "0"), "."))
}

// Views reads messages by id, in any order; those of other accounts are the
// caller's to leave out.
func (s *Store) Views(ctx context.Context, ids []dispatch.ID) ([]dispatch.View, error) {
	return ReadViews(ctx, s.db, ids)
}

// ReadViews is Views on a connection or in a transaction of another store.
func ReadViews(ctx context.Context, q *pg.DB, ids []dispatch.ID) ([]dispatch.View, error) {
	var rows []viewRow
	if err := q.SelectPrepared(ctx, &rows, sqlViews, pg.UUIDArray(ids)); err != nil {
		return nil, pg.Wrap("read messages", err)
	}
	out := make([]dispatch.View, len(rows))
	persons := make([]int64, len(rows))
	finished := make([]dispatch.ID, 0, len(rows))
	for i := range rows {
		out[i], persons[i] = rows[i].view(), rows[i].Person
		if rows[i].DState == nil {
			finished = append(finished, rows[i].ID)
		}
	}
	if err := people.Show(ctx, q, out, persons); err != nil {
		return nil, err
	}
	return out, countAttempts(ctx, q, out, finished)
}

// countAttempts fills in the number of calls of finished messages, which have
// no dispatch row that counts them.
func countAttempts(ctx context.Context, q *pg.DB, views []dispatch.View, ids []dispatch.ID) error {
	if len(ids) == 0 {
		return nil
	}
	var counts []struct {
		ID dispatch.ID `db:"message_id"`
		N  int         `db:"n"`
	}
	if err := q.SelectPrepared(ctx, &counts, sqlCountAttempts, pg.UUIDArray(ids)); err != nil {
		return pg.Wrap("count attempts", err)
	}
	by := make(map[dispatch.ID]int, len(counts))
	for _, c := range counts {
		by[c.ID] = c.N
	}
	for i := range views {
		if n, ok := by[views[i].ID]; ok {
			views[i].Attempts = n
		}
	}
	return nil
}

// Brief is a message's state for pollers.
type Brief struct {
	Account int64 `json:"-"`
	Test    bool  `json:"-"`

	ID        dispatch.ID `json:"message_id"`
	Status    string      `json:"status"`
	MaybeSent bool        `json:"maybe_sent"`
	UpdatedAt time.Time   `json:"updated_at"`
}

// sqlBriefs is sqlViews without what the sender wrote.
var sqlBriefs = strings.NewReplacer("m.content,", "'{}' AS content,", "m.metadata,", "NULL AS metadata,").Replace(sqlViews)

// Briefs returns the states of messages, in any order; those of other accounts
// are the caller's to leave out.
func (s *Store) Briefs(ctx context.Context, ids []dispatch.ID) ([]Brief, error) {
	var rows []viewRow
	if err := s.db.SelectPrepared(ctx, &rows, sqlBriefs, pg.UUIDArray(ids)); err != nil {
		return nil, pg.Wrap("read messages", err)
	}
	out := make([]Brief, len(rows))
	for i := range rows {
		r := &rows[i]
		out[i] = Brief{Account: r.Account, Test: r.Test, ID: r.ID, Status: r.status().String(), MaybeSent: r.MaybeSent, UpdatedAt: r.UpdatedAt}
	}
	return out, nil
}
