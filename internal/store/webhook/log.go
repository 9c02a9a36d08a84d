package webhook

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/eventlog"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// LoggedDelivery is a delivery as its endpoint's log shows it.
type LoggedDelivery struct {
	Webhook   int64       `db:"webhook_id"`
	ID        dispatch.ID `db:"id"`
	URL       *string     `db:"url"` // of a status callback; nil: the endpoint's
	Message   dispatch.ID `db:"message_id"`
	Kind      int16       `db:"kind"`
	Seq       int         `db:"seq"`
	State     int         `db:"state"`
	Attempts  int         `db:"attempts"`
	Format    string      `db:"format"`
	Payload   string      `db:"payload"`
	Response  *string     `db:"response"`
	Tries     []byte      `db:"tries"`
	WakeAt    time.Time   `db:"wake_at"`
	CreatedAt time.Time   `db:"created_at"`
	DoneAt    *time.Time  `db:"done_at"`
}

// TriesMade reads the log of the tries, oldest first.
func (d *LoggedDelivery) TriesMade() ([]Try, error) {
	var out []Try
	return out, json.Unmarshal(d.Tries, &out)
}

// deliveryColumns are those of LoggedDelivery.
const deliveryColumns = `d.webhook_id, d.id, d.message_id, d.kind, d.seq, d.state, d.attempts, d.format, d.payload, d.response, d.tries,
  d.wake_at,
  d.created_at, d.done_at`

// Deliveries lists the deliveries of an endpoint, newest event first; state -1
// is any. A page may be short (pg.WalkMax): next is empty at the end of the log alone.
func (s *Store) Deliveries(ctx context.Context, webhook int64, state int, cursor string, limit int) (page []LoggedDelivery,
	next string, err error,
) {
	before := uuid.Max
	if cursor != "" {
		if before, err = pg.DecodeCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	w := pg.Walk{From: `webhook_deliveries`, Key: `id`, Range: pg.NewWhere(0), Limit: limit}
	w.Order = w.Range.Before(`webhook_id`, `id`, webhook, before.String())
	w.Fits = pg.NewWhere(len(w.Range.Args()))
	if state >= 0 {
		w.Fits.Add(`state = ?`, state)
	}
	ids, last, err := w.Keys(ctx, s.db)
	if err != nil {
		return nil, "", pg.Wrap("look for deliveries", err)
	}
	if last != "" {
		next = pg.EncodeCursor(last)
	}
	page = []LoggedDelivery{}
	err = s.db.SelectContext(ctx, &page, `SELECT `+deliveryColumns+`, d.url
	  FROM unnest($2::text[]::uuid[]) WITH ORDINALITY AS x(id, n),
	    LATERAL (SELECT * FROM webhook_deliveries WHERE webhook_id = $1 AND id = x.id OFFSET 0) d ORDER BY x.n`, webhook, pq.Array(ids))
	return page, next, pg.Wrap("list deliveries", err)
}

// maxOfMessage is how many deliveries of one message are listed: more than its
// events and endpoints make.
const maxOfMessage = 500

// OfMessage lists the deliveries of a message's events, in their order. Their ids
// follow from the events, so that no index is needed.
func (s *Store) OfMessage(ctx context.Context, account int64, message dispatch.ID) ([]LoggedDelivery, error) {
	var events []dispatch.Event
	if err := s.db.SelectContext(ctx, &events, `SELECT id, seq, at FROM `+eventlog.OfMessages(`ARRAY[$1::uuid]`)+` e WHERE account_id = $2
	  ORDER BY xid, id LIMIT $3`, message.String(), account, maxOfMessage); err != nil {
		return nil, pg.Wrap("read events", err)
	}
	ids := make([]uuid.UUID, len(events))
	for i := range events {
		ids[i] = deliveryID(&events[i])
	}
	out := []LoggedDelivery{}
	err := s.db.SelectContext(ctx, &out, `SELECT `+deliveryColumns+`, coalesce(d.url, w.url) AS url
		FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id AND d.id = ANY($2::uuid[])
		WHERE w.account_id = $1 ORDER BY d.id, d.webhook_id LIMIT $3`, account, pg.UUIDArray(ids), maxOfMessage)
	return out, pg.Wrap("list deliveries of a message", err)
}

var sqlReplayDelivery = numbers.SQL(`UPDATE webhook_deliveries SET state = {delivery_pending}, attempts = 0, wake_at = now(), done_at = NULL
  WHERE webhook_id = $1 AND id = $2 AND payload <> '{}'`)

const sqlHasDelivery = `SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE webhook_id = $1 AND id = $2)`

// ReplayDelivery delivers one event once more: the same id, the same bytes, all
// tries anew. Returns dispatch.InvalidState if the bytes were erased or redacted.
func (s *Store) ReplayDelivery(ctx context.Context, webhook int64, id dispatch.ID) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		r, err := tx.ExecContext(ctx, sqlReplayDelivery, webhook, id.String())
		if err != nil {
			return pg.Wrap("replay delivery", err)
		}
		if err := pg.Found(r); err != nil {
			var blank bool
			if tx.GetContext(ctx, &blank, sqlHasDelivery, webhook, id.String()) == nil && blank {
				return dispatch.Errorf(dispatch.InvalidState, "the content of this delivery was erased")
			}
			return err
		}
		return wakeLanes(ctx, tx, []int64{webhook})
	})
}
