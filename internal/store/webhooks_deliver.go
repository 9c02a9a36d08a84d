package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// turnLease is how long a lane stays with a worker that is never heard of
// again; a turn and its last calls end well before.
const turnLease = "60 seconds"

// Turn is an endpoint that the caller alone may call for now.
type Turn struct {
	Webhook   int64
	Account   int64
	URL       string
	Headers   map[string]string
	Secret    string
	OldSecret string // set while it signs as well
	Implicit  bool   // a lane of status callbacks
	Failures  int    // in a row, so far
	lease     uuid.UUID
}

// sqlTurns takes lanes that may have something due. wake_at stands at the
// lease's end meanwhile: when the worker is gone the lane comes back then, and
// a new delivery sets it earlier, which EndTurn sees.
const sqlTurns = `
WITH pick AS MATERIALIZED (SELECT id FROM webhooks WHERE enabled AND wake_at <= now() AND lease_until <= now() AND hold_until <= now() ORDER BY wake_at LIMIT $1 FOR UPDATE SKIP LOCKED)
UPDATE webhooks w SET lease = $2::uuid, lease_until = now() + interval '` + turnLease + `', wake_at = now() + interval '` + turnLease + `'
WHERE w.id = ANY(ARRAY(SELECT id FROM pick))
RETURNING w.id, w.account_id, w.url, w.sealed, coalesce(w.old_until > now(), false) AS overlap, w.implicit, w.failures`

// TakeTurns takes up to limit endpoints that have something to deliver. Their
// lease is good for a minute.
func (s *Store) TakeTurns(ctx context.Context, limit int) ([]Turn, error) {
	var rows []struct {
		ID       int64  `db:"id"`
		Account  int64  `db:"account_id"`
		URL      string `db:"url"`
		Sealed   []byte `db:"sealed"`
		Overlap  bool   `db:"overlap"`
		Implicit bool   `db:"implicit"`
		Failures int    `db:"failures"`
	}
	lease := uuid.New()
	if err := s.db.SelectContext(ctx, &rows, sqlTurns, limit, lease.String()); err != nil {
		return nil, pg.Wrap("take webhook turns", err)
	}
	out := make([]Turn, 0, len(rows))
	var errs []error
	for _, r := range rows {
		t := Turn{Webhook: r.ID, Account: r.Account, URL: r.URL, Implicit: r.Implicit, Failures: r.Failures, lease: lease}
		var secrets webhookSecrets
		var err error
		if r.Implicit {
			secrets.Secret, err = s.TwilioToken(ctx, r.Account)
		} else {
			secrets, err = s.openWebhook(r.ID, r.Sealed)
		}
		if err != nil { // that endpoint waits, not the others
			errs = append(errs, err)
			continue
		}
		t.Secret, t.Headers = secrets.Secret, secrets.Headers
		if r.Overlap {
			t.OldSecret = secrets.Old
		}
		out = append(out, t)
	}
	return out, errors.Join(errs...)
}

// Delivery is one request to an endpoint.
type Delivery struct {
	ID       dispatch.ID `db:"id"`
	Kind     int16       `db:"kind"`
	Format   string      `db:"format"`
	URL      string      `db:"url"` // of a status callback; empty: the endpoint's
	Payload  string      `db:"payload"`
	Attempts int         `db:"attempts"` // made before
}

// DueDeliveries reads what is due at an endpoint, the longest due first.
func (s *Store) DueDeliveries(ctx context.Context, webhook int64, limit int) ([]Delivery, error) {
	var out []Delivery
	err := s.db.SelectContext(ctx, &out, `SELECT id, kind, format, coalesce(url, '') AS url, payload, attempts FROM webhook_deliveries
		WHERE webhook_id = $1 AND state = 0 AND wake_at <= now() ORDER BY wake_at, id LIMIT $2`, webhook, limit)
	return out, pg.Wrap("read due deliveries", err)
}

// The states of a delivery.
const (
	DeliveryPending   = 0
	DeliveryDelivered = 1
	DeliveryFailed    = 2 // given up after the last try
)

// Tried is what became of one try of a delivery.
type Tried struct {
	ID       dispatch.ID
	Attempts int // made before this one
	State    int
	Delay    time.Duration // until the next try, while pending
	Response string        // the answer's beginning
	Try      Try
}

// Try is one try as the delivery log shows it.
type Try struct {
	At        time.Time `json:"at"`
	Status    int       `json:"status,omitempty"` // HTTP; 0: no answer
	LatencyMS int64     `json:"latency_ms"`
	Error     string    `json:"error,omitempty"`
}

// sqlTried writes results down, unless somebody else got further meanwhile.
const sqlTried = `
UPDATE webhook_deliveries d SET attempts = d.attempts + 1, state = t.state, response = t.response,
  wake_at = CASE WHEN t.state = 0 THEN now() + make_interval(secs => t.delay_s) ELSE d.wake_at END,
  done_at = CASE WHEN t.state <> 0 THEN now() END,
  tries = CASE WHEN jsonb_array_length(d.tries) >= 20 THEN d.tries - 0 ELSE d.tries END || t.try::jsonb
FROM unnest($2::uuid[], $3::integer[], $4::smallint[], $5::float8[], $6::text[], $7::text[]) AS t(id, attempts, state, delay_s, response, try)
WHERE d.webhook_id = $1 AND d.id = t.id AND d.id = ANY($2::uuid[]) AND d.attempts = t.attempts AND d.state = 0`

// SaveTries writes down what became of deliveries.
func (s *Store) SaveTries(ctx context.Context, webhook int64, tries []Tried) error {
	n := len(tries)
	if n == 0 {
		return nil
	}
	ids, responses, logs := make([]string, n), make([]string, n), make([]string, n)
	attempts, states, delays := make([]int64, n), make([]int64, n), make([]float64, n)
	for i, t := range tries {
		ids[i], attempts[i], states[i], delays[i], responses[i], logs[i] = t.ID.String(), int64(t.Attempts), int64(t.State), t.Delay.Seconds(), t.Response, pg.JSON(t.Try)
	}
	_, err := s.db.ExecContext(ctx, sqlTried, webhook, pq.Array(ids), pq.Array(attempts), pq.Array(states), pq.Array(delays), pq.Array(responses), pq.Array(logs))
	return pg.Wrap("save webhook tries", err)
}

// WakeRetries makes what waits for another try due: the endpoint answers again.
func (s *Store) WakeRetries(ctx context.Context, webhook int64) error {
	_, err := s.db.ExecContext(ctx, `UPDATE webhook_deliveries SET wake_at = now() WHERE webhook_id = $1 AND state = 0 AND id = ANY(ARRAY(
		SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND state = 0 AND wake_at > now() AND attempts > 0 ORDER BY wake_at LIMIT 5000))`, webhook)
	return pg.Wrap("wake retries", err)
}

// sqlEndTurn gives a lane back. When something woke it meanwhile (wake_at is
// before the lease's end) it is due at once, else when its next delivery is.
const sqlEndTurn = `
UPDATE webhooks SET lease = NULL, lease_until = now(), hold_until = now() + make_interval(secs => $4), failures = $3,
  wake_at = CASE WHEN wake_at < lease_until THEN wake_at ELSE coalesce((SELECT min(wake_at) FROM webhook_deliveries WHERE webhook_id = $1 AND state = 0), 'infinity') END,
  failing_since = CASE WHEN $3::integer = 0 THEN NULL ELSE coalesce(failing_since, now()) END
WHERE id = $1 AND lease = $2::uuid
RETURNING coalesce(failing_since <= now() - make_interval(secs => $5), false)`

// EndTurn gives an endpoint back: no call before hold is over. It says whether
// the endpoint has failed for as long as patience.
func (s *Store) EndTurn(ctx context.Context, t *Turn, failures int, hold, patience time.Duration) (bool, error) {
	var spent bool
	err := pg.Wrap("end webhook turn", s.db.GetContext(ctx, &spent, sqlEndTurn, t.Webhook, t.lease.String(), failures, hold.Seconds(), patience.Seconds()))
	if err == dispatch.ErrNotFound { // the lease ran out: it is somebody else's
		return false, nil
	}
	return spent, err
}

// LoggedDelivery is a delivery as its endpoint's log shows it.
type LoggedDelivery struct {
	ID        dispatch.ID `db:"id"`
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

// logWalk bounds what one look into the log walks through for a rare state.
const logWalk = "20000"

// Deliveries lists the deliveries of an endpoint, newest event first; state -1
// is any.
func (s *Store) Deliveries(ctx context.Context, webhook int64, state int, cursor string, limit int) (page []LoggedDelivery, next string, err error) {
	before := uuid.Max
	if cursor != "" {
		if before, err = pg.DecodeCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	var out []LoggedDelivery
	err = s.db.SelectContext(ctx, &out, `SELECT id, message_id, kind, seq, state, attempts, format, payload, response, tries, wake_at, created_at, done_at
		FROM (SELECT * FROM webhook_deliveries WHERE webhook_id = $1 AND id < $2::uuid ORDER BY id DESC LIMIT `+logWalk+`) d WHERE $3 < 0 OR state = $3 ORDER BY id DESC LIMIT $4`,
		webhook, before.String(), state, limit)
	if len(out) == limit {
		next = pg.EncodeCursor(out[limit-1].ID.String())
	}
	return out, next, pg.Wrap("list deliveries", err)
}

// ReplayDelivery delivers one event once more: the same id, the same bytes, all
// tries anew.
func (s *Store) ReplayDelivery(ctx context.Context, webhook int64, id dispatch.ID) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		r, err := tx.ExecContext(ctx, `UPDATE webhook_deliveries SET state = 0, attempts = 0, wake_at = now(), done_at = NULL WHERE webhook_id = $1 AND id = $2`, webhook, id.String())
		if err != nil {
			return pg.Wrap("replay delivery", err)
		}
		if err := pg.Found(r); err != nil {
			return err
		}
		return wakeLanes(ctx, tx, []int64{webhook})
	})
}

// WebhookFigures are the gauges of webhooks.
type WebhookFigures struct {
	Waiting       int64   `db:"waiting"`  // deliveries of enabled endpoints, counted up to 100,000
	OldestSeconds float64 `db:"oldest_s"` // how late the one that is due the longest is
	ByHand        int64   `db:"by_hand"`  // endpoints that are disabled
	ForFailures   int64   `db:"for_failures"`
}

// sqlWebhookFigures looks only at lanes that have something; those at rest wake
// at infinity.
const sqlWebhookFigures = `
WITH busy AS MATERIALIZED (SELECT id FROM webhooks WHERE enabled AND wake_at < 'infinity' LIMIT 10000)
SELECT (SELECT count(*) FROM (SELECT 1 FROM busy b CROSS JOIN LATERAL (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = b.id AND d.state = 0 ORDER BY d.wake_at LIMIT 100000) x LIMIT 100000) y) AS waiting,
  coalesce(extract(epoch FROM now() - (SELECT min(x.wake_at) FROM busy b CROSS JOIN LATERAL
    (SELECT d.wake_at FROM webhook_deliveries d WHERE d.webhook_id = b.id AND d.state = 0 ORDER BY d.wake_at LIMIT 1) x WHERE x.wake_at <= now())), 0)::float8 AS oldest_s,
  count(*) FILTER (WHERE w.disabled_reason = '` + byHand + `') AS by_hand, count(*) FILTER (WHERE w.disabled_reason <> '` + byHand + `') AS for_failures
FROM webhooks w WHERE NOT w.enabled AND NOT w.implicit AND w.deleted_at IS NULL`

// WebhookFigures measures the queue of webhooks: a gauge, not a report.
func (s *Store) WebhookFigures(ctx context.Context) (WebhookFigures, error) {
	var f WebhookFigures
	err := s.db.GetContext(ctx, &f, sqlWebhookFigures)
	return f, pg.Wrap("measure webhooks", err)
}

// keepDeliveries is how long the log of deliveries is kept.
const keepDeliveries = "14 days"

const sqlTidyDeliveries = `
DELETE FROM webhook_deliveries d USING (SELECT w.id AS webhook_id, x.id FROM webhooks w CROSS JOIN LATERAL (
    SELECT id FROM webhook_deliveries y WHERE y.webhook_id = w.id AND (w.deleted_at IS NOT NULL OR y.id < uuid_floor(now() - interval '` + keepDeliveries + `') AND y.created_at < now() - interval '` + keepDeliveries + `' AND (y.state <> 0 OR NOT w.enabled))
    ORDER BY y.id LIMIT 2000) x LIMIT 10000) g
WHERE d.webhook_id = g.webhook_id AND d.id = g.id`

// TidyWebhooks drops old deliveries, and what belonged to endpoints that were
// deleted, page by page.
func (s *Store) TidyWebhooks(ctx context.Context) error {
	for {
		r, err := s.db.ExecContext(ctx, sqlTidyDeliveries)
		if err != nil {
			return pg.Wrap("drop old deliveries", err)
		}
		if n, err := r.RowsAffected(); err != nil || n > 0 {
			if err != nil {
				return pg.Wrap("count dropped deliveries", err)
			}
			continue
		}
		_, err = s.db.ExecContext(ctx, `DELETE FROM webhooks w WHERE (deleted_at IS NOT NULL OR implicit AND updated_at < now() - interval '`+keepDeliveries+`')
			AND lease_until <= now() AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.id)`)
		return pg.Wrap("drop deleted webhooks", err)
	}
}
