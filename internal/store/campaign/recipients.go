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

// from adds the first row and the status, and returns the order. Rows that ended badly
// are few: they are read by their own index, which a generic plan uses only if the number
// stands in the text (pg.Where.After).
func (f *RecipientFilter) from(where *pg.Where) (order string) {
	if f.Status != nil && *f.Status >= campaign.Failed {
		where.Add(fmt.Sprintf(`r.indexed_status >= %[1]d AND r.indexed_status <= %[1]d AND (r.indexed_status, r.seq) > (%[1]d, ?)`, *f.Status),
			f.After)
		return `r.indexed_status, r.seq`
	}
	where.Add(`r.seq > ?`, f.After)
	if f.Status == nil {
		return `r.seq`
	}
	status := *f.Status
	switch status {
	case campaign.Sending:
		status = campaign.Queued
		where.Add(numbers.SQL(`d.state IN ({claimed}, {resolving})`))
	case campaign.Queued:
		where.Add(numbers.SQL(`(d.state IS NULL OR d.state NOT IN ({claimed}, {resolving}))`))
	}
	where.Add(`r.status = ?`, status)
	return `r.seq`
}

// Recipients lists rows of a campaign's ledger.
func (s *Store) Recipients(ctx context.Context, id int64, f RecipientFilter) ([]Standing, error) {
	where := pg.NewWhere(1)
	where.Add(`r.campaign_id = ?`, id)
	order := f.from(where)
	if f.Reason != nil {
		where.Add(`r.reason = ?`, *f.Reason)
	}
	if f.Search != "" {
		where.Add(`r.recipient LIKE ?`, "%"+pg.LikeText(f.Search)+"%")
	}
	out := []Standing{}
	err := s.db.SelectContext(ctx, &out, `SELECT `+standingColumns+` FROM campaign_recipients r LEFT
	  JOIN dispatch d ON d.message_id = r.message_id
		WHERE `+where.SQL()+` ORDER BY `+order+` LIMIT $1`, append([]any{f.Limit}, where.Args()...)...)
	return out, pg.Wrap("list recipients", err)
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
