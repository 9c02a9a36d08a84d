package campaign

import (
	"context"
	"fmt"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// RecipientFilter narrows the rows of a ledger, which are in their order.
type RecipientFilter struct {
	Status *campaign.Status
	Reason *campaign.Reason
	Search string // digits that the recipient's number has
	After  int64  // the last row of the page before
	Limit  int
}

// Standing is a row of the ledger with what its message does.
type Standing struct {
	Recipient

	Sending bool       `db:"sending"` // a worker has claimed it
	DueAt   *time.Time `db:"due_at"`  // of an unfinished message
}

var standingColumns = recipientColumns + numbers.SQL(`, coalesce(d.state IN ({claimed}, {resolving}), false) AS sending, d.due_at`)

// walk returns where rows are looked for. Rows that ended badly are few: they are read
// by their own index, which a generic plan uses only if the number stands in the text
// (pg.Where.After).
func (f *RecipientFilter) walk(id int64) *pg.Walk {
	w := &pg.Walk{From: `campaign_recipients r`, Key: `r.seq`, Range: pg.NewWhere(0), Limit: f.Limit}
	ended := f.Status != nil && *f.Status >= campaign.Failed
	if ended {
		w.Range.Add(`r.campaign_id = ?`, id)
		w.Range.Add(fmt.Sprintf(`r.indexed_status >= %[1]d AND r.indexed_status <= %[1]d AND (r.indexed_status, r.seq) > (%[1]d, ?)`, *f.Status),
			f.After)
		w.Order = `r.indexed_status, r.seq`
	} else {
		w.Order = w.Range.After(`r.campaign_id`, `r.seq`, id, f.After)
	}
	w.Fits = pg.NewWhere(len(w.Range.Args()))
	if f.Status != nil && !ended {
		f.stands(w.Fits)
	}
	if f.Reason != nil {
		w.Fits.Add(`r.reason = ?`, *f.Reason)
	}
	if f.Search != "" {
		w.Fits.Add(`r.recipient LIKE ?`, "%"+pg.LikeText(f.Search)+"%")
	}
	return w
}

// claimed is true of a row whose message a worker has claimed.
var claimed = numbers.SQL(`EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = r.message_id
  AND d.state IN ({claimed}, {resolving}) OFFSET 0)`)

// stands adds the status of rows that have not ended badly.
func (f *RecipientFilter) stands(where *pg.Where) {
	switch *f.Status {
	case campaign.Sending:
		where.Add(`r.status = ? AND `+claimed, campaign.Queued)
	case campaign.Queued:
		where.Add(`r.status = ? AND NOT `+claimed, campaign.Queued)
	default:
		where.Add(`r.status = ?`, *f.Status)
	}
}

// sqlStanding reads rows one by one: a join might read the whole ledger.
var sqlStanding = `SELECT ` + standingColumns + ` FROM unnest($2::bigint[]) WITH ORDINALITY AS x(seq, n),
  LATERAL (SELECT * FROM campaign_recipients WHERE campaign_id = $1 AND seq = x.seq OFFSET 0) r
  LEFT JOIN dispatch d ON d.message_id = r.message_id ORDER BY x.n`

// Recipients lists rows of a campaign's ledger. A page may be short (pg.WalkMax); next is
// the row after which the next one begins, 0 if there is none.
func (s *Store) Recipients(ctx context.Context, id int64, f RecipientFilter) (page []Standing, next int64, err error) {
	rows, next, err := f.walk(id).IDs(ctx, s.db)
	if err != nil {
		return nil, 0, pg.Wrap("look for recipients", err)
	}
	page = []Standing{}
	err = s.db.SelectContext(ctx, &page, sqlStanding, id, rows)
	return page, next, pg.Wrap("list recipients", err)
}

// Reported is a row of the ledger with the times of its message.
type Reported struct {
	Standing

	SentAt      *time.Time `db:"sent_at"`
	DeliveredAt *time.Time `db:"delivered_at"`
	ReadAt      *time.Time `db:"read_at"`
	FailedAt    *time.Time `db:"failed_at"`
	MaybeSent   bool       `db:"maybe_sent"`
	Code        string     `db:"code"`
	Error       string     `db:"error"`
}

var sqlReport = `SELECT ` + standingColumns + `, m.sent_at, m.delivered_at, m.read_at, m.failed_at, coalesce(m.maybe_sent,
  false) AS maybe_sent,
  coalesce(m.error_code, '') AS code, coalesce(m.error_message, '') AS error
FROM campaign_recipients r LEFT JOIN dispatch d ON d.message_id = r.message_id LEFT JOIN messages m ON m.id = r.message_id
WHERE r.campaign_id = $1 AND r.seq > $2 ORDER BY r.seq LIMIT $3`

// Report reads a page of the ledger with the times of the messages.
func (s *Store) Report(ctx context.Context, id, after int64, limit int) ([]Reported, error) {
	var out []Reported
	err := s.db.SelectContext(ctx, &out, sqlReport, id, after, limit)
	return out, pg.Wrap("read report", err)
}

// BeginValidation notes that a campaign is being validated.
func (s *Store) BeginValidation(ctx context.Context, id int64) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO campaign_validations (campaign_id) VALUES ($1)
		ON CONFLICT (campaign_id) DO UPDATE SET result = NULL, started_at = now(), finished_at = NULL`, id)
	return pg.Wrap("begin validation", err)
}

// EndValidation stores the result of a validation, a JSON text.
func (s *Store) EndValidation(ctx context.Context, id int64, result string) error {
	_, err := s.db.ExecContext(ctx, `UPDATE campaign_validations SET result = $2, finished_at = now() WHERE campaign_id = $1`, id, result)
	return pg.Wrap("end validation", err)
}

// Validation returns the result of a campaign's last validation, "" while it
// runs. It returns dispatch.ErrNotFound if there was none.
func (s *Store) Validation(ctx context.Context, id int64) (string, error) {
	var result *string
	err := s.db.GetContext(ctx, &result, `SELECT result FROM campaign_validations WHERE campaign_id = $1`, id)
	if pg.NoRow(err) {
		return "", dispatch.ErrNotFound
	}
	return pg.Text(result), pg.Wrap("read validation", err)
}
