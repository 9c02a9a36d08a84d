package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// TurnLease is how long a lane stays with a worker that stopped without a word.
// A turn and its last calls end before: the next worker repeats what was not
// written down.
const TurnLease = 25 * time.Second

// Turn is an endpoint that the caller alone may call for now.
type Turn struct {
	Webhook  int64
	Account  int64
	URL      string
	Headers  map[string]string
	Secret   string
	Olds     dispatch.OldSecrets // sign as well while they are valid
	Implicit bool                // a lane of status callbacks
	Failures int                 // in a row, so far
	lease    uuid.UUID
}

// sqlTurns takes lanes that may have something due. wake_at stands at the
// lease's end meanwhile: when the worker is gone the lane comes back then, and
// a new delivery sets it earlier, which EndTurn sees.
var sqlTurns = numbers.SQL(`
WITH pick AS MATERIALIZED (SELECT id FROM webhooks WHERE enabled AND wake_at <= now() AND lease_until <= now() AND hold_until <= now()
  ORDER BY wake_at LIMIT $1 FOR UPDATE SKIP LOCKED)
UPDATE webhooks w SET lease = $2::uuid, lease_until = now() + make_interval(secs => {turn_lease_s}),
  wake_at = now() + make_interval(secs => {turn_lease_s})
WHERE w.id = ANY(ARRAY(SELECT id FROM pick))
RETURNING w.id, w.account_id, w.url, w.sealed, w.old_until, w.implicit, w.failures`)

// TakeTurns takes up to limit endpoints that have something to deliver. Their
// lease is good for TurnLease.
func (s *Store) TakeTurns(ctx context.Context, limit int) ([]Turn, error) {
	var rows []struct {
		ID       int64      `db:"id"`
		Account  int64      `db:"account_id"`
		URL      string     `db:"url"`
		Sealed   []byte     `db:"sealed"`
		OldUntil *time.Time `db:"old_until"`
		Implicit bool       `db:"implicit"`
		Failures int        `db:"failures"`
	}
	lease := uuid.New()
	if err := s.db.SelectContext(ctx, &rows, sqlTurns, limit, lease.String()); err != nil {
		return nil, pg.Wrap("take webhook turns", err)
	}
	out := make([]Turn, 0, len(rows))
	var errs []error
	for _, r := range rows {
		t := Turn{Webhook: r.ID, Account: r.Account, URL: r.URL, Implicit: r.Implicit, Failures: r.Failures, lease: lease}
		var secrets secrets
		var err error
		if r.Implicit {
			secrets.Secret, err = s.StatusCallbackToken(ctx, r.Account)
		} else {
			secrets, err = s.openWebhook(r.ID, r.Sealed)
		}
		if err != nil { // that endpoint waits, not the others
			errs = append(errs, err)
			continue
		}
		t.Secret, t.Olds, t.Headers = secrets.Secret, secrets.old(r.OldUntil), secrets.Headers
		out = append(out, t)
	}
	return out, errors.Join(errs...)
}

// Place is where a delivery stands among those that are due at its endpoint.
type Place struct {
	WakeAt time.Time   `db:"wake_at"`
	ID     dispatch.ID `db:"id"`
}

// Delivery is one request to an endpoint.
type Delivery struct {
	Place
	Message  dispatch.ID `db:"message_id"`
	Seq      int         `db:"seq"` // among the events of the message
	Kind     int16       `db:"kind"`
	Format   string      `db:"format"`
	URL      string      `db:"url"` // of a status callback; empty: the endpoint's
	Payload  string      `db:"payload"`
	Attempts int         `db:"attempts"` // made before
	Early    bool        `db:"early"`    // stands at another place, but before one of the page in its message's sequence

	Traceparent string `db:"-"` // the client's trace context; empty: none, or not asked for
	Slow        bool   `db:"-"` // the message was sent late; false also if that was not asked for
}

// sqlDueDeliveries begins behind a place: an index holds what is no longer pending
// until it is vacuumed, and a reader that began at its start would pass all of that.
// What is due of the same messages and earlier in their sequence comes with the page,
// wherever it stands: a transaction may begin before another one and commit after it.
// That is looked up by message: "+ 0" and OFFSET 0 keep a planner with old statistics
// from the index of what is due, which a backlog makes long. So it is below.
var sqlDueDeliveries = numbers.SQL(`
WITH page AS MATERIALIZED (SELECT wake_at, id, message_id, seq, kind, format, coalesce(url, '') AS url, payload, attempts
  FROM webhook_deliveries WHERE webhook_id = $1 AND state = {delivery_pending} AND wake_at <= now() AND (wake_at, id) > ($2, $3::uuid)
  ORDER BY wake_at, id LIMIT $4)
SELECT page.*, false AS early FROM page
UNION ALL
SELECT d.*, true FROM page p CROSS JOIN LATERAL (SELECT d.wake_at, d.id, d.message_id, d.seq, d.kind, d.format, coalesce(d.url, ''),
    d.payload, d.attempts FROM webhook_deliveries d
  WHERE d.message_id = p.message_id AND d.webhook_id + 0 = $1 AND d.state + 0 = {delivery_pending} AND d.wake_at <= now()
    AND d.seq < p.seq OFFSET 0) d
WHERE p.seq > 1 AND NOT EXISTS (SELECT 1 FROM page q WHERE q.id = d.id)`)

// DueDeliveries reads what is due at an endpoint behind a place, the longest due first,
// and behind that what is early.
func (s *Store) DueDeliveries(ctx context.Context, webhook int64, after Place, limit int) ([]Delivery, error) {
	var out []Delivery
	err := s.db.SelectContext(ctx, &out, sqlDueDeliveries, webhook, after.WakeAt, after.ID.String(), limit)
	return out, pg.Wrap("read due deliveries", err)
}

// The states of a delivery.
const (
	Pending   = 0
	Delivered = 1
	Failed    = 2 // given up after the last try
)

// TryResult is what became of one try of a delivery.
type TryResult struct {
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

// sqlTried writes results down, unless somebody else got further meanwhile. What
// follows a message's event that failed at its first try becomes due with it, or it
// would overtake it: most endpoints that fail do so for a moment. Later tries may be
// overtaken, as one event must not hold up a message's others for days.
var sqlTried = numbers.SQL(`
WITH tried AS (UPDATE webhook_deliveries d SET attempts = d.attempts + 1, state = t.state, response = t.response,
  wake_at = CASE WHEN t.state = {delivery_pending} THEN now() + make_interval(secs => t.delay_s) ELSE d.wake_at END,
  done_at = CASE WHEN t.state <> {delivery_pending} THEN now() END,
  tries = CASE WHEN jsonb_array_length(d.tries) >= 20 THEN d.tries - 0 ELSE d.tries END || t.try::jsonb
FROM unnest($2::uuid[], $3::integer[], $4::smallint[], $5::float8[], $6::text[], $7::text[]) AS t(id, attempts, state, delay_s, response,
  try)
WHERE d.webhook_id = $1 AND d.id = t.id AND d.id = ANY($2::uuid[]) AND d.attempts = t.attempts AND d.state + 0 = {delivery_pending}
RETURNING d.message_id, d.seq, d.attempts, d.state, d.wake_at),
first AS MATERIALIZED (SELECT message_id, seq, wake_at FROM tried WHERE state = {delivery_pending} AND attempts = 1 AND seq > 0)
UPDATE webhook_deliveries f SET wake_at = d.wake_at FROM first d
WHERE f.message_id = ANY(ARRAY(SELECT message_id FROM first)) AND f.message_id = d.message_id AND f.webhook_id + 0 = $1 AND f.seq > d.seq
  AND f.state + 0 = {delivery_pending} AND f.wake_at < d.wake_at AND f.id <> ALL($2::uuid[])`)

// SaveTries writes down what became of deliveries.
func (s *Store) SaveTries(ctx context.Context, webhook int64, tries []TryResult) error {
	n := len(tries)
	if n == 0 {
		return nil
	}
	ids, responses, logs := make([]string, n), make([]string, n), make([]string, n)
	attempts, states, delays := make([]int64, n), make([]int64, n), make([]float64, n)
	for i, t := range tries {
		ids[i], attempts[i], states[i], delays[i], responses[i], logs[i] = t.ID.String(), int64(t.Attempts), int64(t.State), t.Delay.Seconds(),
			t.Response, pg.JSON(t.Try)
	}
	_, err := s.db.ExecContext(ctx, sqlTried, webhook, pq.Array(ids), pq.Array(attempts), pq.Array(states), pq.Array(delays),
		pq.Array(responses), pq.Array(logs))
	return pg.Wrap("save webhook tries", err)
}

var sqlWakeRetries = numbers.SQL(`UPDATE webhook_deliveries SET wake_at = now()
  WHERE webhook_id = $1 AND state = {delivery_pending} AND id = ANY(ARRAY(
		SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND state = {delivery_pending} AND wake_at > now() AND attempts > 0
		  ORDER BY wake_at LIMIT 5000))`)

// WakeRetries makes what waits for another try due: the endpoint answers again.
func (s *Store) WakeRetries(ctx context.Context, webhook int64) error {
	_, err := s.db.ExecContext(ctx, sqlWakeRetries, webhook)
	return pg.Wrap("wake retries", err)
}

// sqlEndTurn releases a lane. When something woke it meanwhile (wake_at is
// before the lease's end) it is due at once, else when its next delivery is.
var sqlEndTurn = numbers.SQL(`
UPDATE webhooks SET lease = NULL, lease_until = now(), hold_until = now() + make_interval(secs => $4), failures = $3,
  wake_at = CASE WHEN wake_at < lease_until THEN wake_at ELSE coalesce((SELECT min(wake_at) FROM webhook_deliveries
    WHERE webhook_id = $1 AND state = {delivery_pending}), 'infinity') END,
  failing_since = CASE WHEN $3::integer = 0 THEN NULL ELSE coalesce(failing_since, now()) END
WHERE id = $1 AND lease = $2::uuid
RETURNING coalesce(failing_since <= now() - make_interval(secs => $5), false)`)

// EndTurn releases an endpoint: no call before hold is over. It reports whether
// the endpoint has failed for as long as patience.
func (s *Store) EndTurn(ctx context.Context, t *Turn, failures int, hold, patience time.Duration) (bool, error) {
	var spent bool
	err := pg.Wrap("end webhook turn", s.db.GetContext(ctx, &spent, sqlEndTurn, t.Webhook, t.lease.String(), failures,
		hold.Seconds(), patience.Seconds()))
	if err == dispatch.ErrNotFound { // the lease ran out: it is somebody else's
		return false, nil
	}
	return spent, err
}
