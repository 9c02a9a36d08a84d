package campaign

import (
	"cmp"
	"context"
	"math"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// The kinds of campaigns that have a parent.
const (
	Run   = 1 // one run of the parent's recurrence
	Retry = 2 // another try for the parent's failed
)

// Campaign is a campaign as it is stored.
type Campaign struct {
	ID         int64          `db:"id"`
	Account    int64          `db:"account_id"`
	Parent     *int64         `db:"parent_id"`
	Kind       int            `db:"kind"` // 0: it has no parent
	RunAt      *time.Time     `db:"run_at"`
	Name       string         `db:"name"`
	State      campaign.State `db:"state"`
	Reason     string         `db:"reason"`     // why it is paused
	Definition string         `db:"definition"` // JSON, without the contacts of the audience
	Contacts   string         `db:"contacts"`   // JSON list; empty where it was not read
	Test       bool           `db:"test"`
	Key        int64          `db:"key_id"`
	Channel    int64          `db:"channel_id"` // from the launch on
	Marketing  bool           `db:"marketing"`
	Template   int64          `db:"template_id"`
	Filled     bool           `db:"filled"`
	Fill       string         `db:"fill"`
	NextAt     *time.Time     `db:"next_at"`
	Tokens     float64        `db:"tokens"`
	TokensAt   *time.Time     `db:"tokens_at"`
	LimitedBy  string         `db:"limited_by"`
	CanaryAt   *time.Time     `db:"canary_at"`
	CanaryOver bool           `db:"canary_over"`
	RateNow    float64        `db:"rate_now"`
	Progress   string         `db:"progress"`
	CreatedAt  time.Time      `db:"created_at"`
	UpdatedAt  time.Time      `db:"updated_at"`
	LaunchedAt *time.Time     `db:"launched_at"`
	StartedAt  *time.Time     `db:"started_at"`
	ResumedAt  *time.Time     `db:"resumed_at"` // results before it do not count against it
	FinishedAt *time.Time     `db:"finished_at"`
	TurnAt     *time.Time     `db:"turn_at"` // the row that had its turn last (Had); nil: none
	TurnSeq    int            `db:"turn_seq"`

	Version string `db:"version"` // of the row, as a step has read it
}

const (
	shortColumns = `c.id, c.account_id, c.parent_id, c.kind, c.run_at, c.name, c.state, c.reason, c.definition, c.test, c.key_id, c.channel_id,
  c.marketing, c.template_id, c.filled, c.fill, c.next_at, c.tokens, c.tokens_at, c.limited_by, c.canary_at, c.canary_over, c.rate_now,
  c.progress, c.created_at, c.updated_at, c.launched_at, c.started_at, c.finished_at, c.resumed_at,
  c.turn_at, c.turn_seq`
	columns = shortColumns + `, c.contacts`
)

// Create stores a new campaign.
func (s *Store) Create(ctx context.Context, c *Campaign) error {
	err := s.db.GetContext(ctx, c, `INSERT INTO campaigns AS c (account_id, parent_id, kind, run_at, name, definition, contacts, test, key_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING `+columns,
		c.Account, c.Parent, c.Kind, c.RunAt, storable.Clean(c.Name), storable.Clean(c.Definition), storable.Clean(c.Contacts), c.Test, c.Key)
	return pg.Wrap("create campaign", err)
}

// Campaign reads a campaign of the account. In a transaction it stays as it is
// until that ends.
func (s *Store) Campaign(ctx context.Context, account, id int64) (Campaign, error) {
	var c Campaign
	query := s.db.ForUpdate(`SELECT `+columns+` FROM campaigns c WHERE c.account_id = $1 AND c.id = $2`, "c")
	err := s.db.GetContext(ctx, &c, query, account, id)
	return c, pg.Wrap("read campaign", err)
}

const sqlSave = `
UPDATE campaigns SET name = $2, state = $3, reason = $4, definition = $5, contacts = $6, test = $7, key_id = $8, channel_id = $9,
  marketing = $10,
  template_id = $11, filled = $12, fill = $13, next_at = $14, tokens = $15, tokens_at = $16, limited_by = $17, canary_at = $18,
    canary_over = $19,
  rate_now = $20, progress = $21, launched_at = $22, started_at = $23, finished_at = $24, updated_at = $25, resumed_at = $26,
  turn_at = $27, turn_seq = $28 WHERE id = $1`

// Save writes a campaign whose row this transaction holds, and adds up its counts.
func (s *Store) Save(ctx context.Context, c *Campaign) error {
	if err := ledger.Fold(ctx, s.db, c.ID); err != nil {
		return err
	}
	_, err := s.db.ExecPrepared(ctx, sqlSave, c.ID, storable.Clean(c.Name), c.State, storable.Clean(c.Reason), storable.Clean(c.Definition),
		storable.Clean(c.Contacts), c.Test, c.Key, c.Channel, c.Marketing, c.Template, c.Filled, c.Fill, c.NextAt, c.Tokens,
		c.TokensAt, c.LimitedBy,
		c.CanaryAt, c.CanaryOver, c.RateNow, c.Progress, c.LaunchedAt, c.StartedAt, c.FinishedAt, c.UpdatedAt, c.ResumedAt,
		c.TurnAt, c.TurnSeq)
	return pg.Wrap("save campaign", err)
}

// Delete deletes a campaign; only a draft, which has no ledger, may be.
func (s *Store) Delete(ctx context.Context, id int64) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM campaigns WHERE id = $1`, id)
	return pg.Wrap("delete campaign", err)
}

// Filter narrows a list of campaigns, which is newest first.
type Filter struct {
	State  *campaign.State
	Search string // part of the name
	Parent int64
	Before int64 // the last id of the page before; 0: from the top
	Limit  int
}

// Campaigns lists campaigns of the account, without their contacts. A page may be short
// (pg.WalkMax); next is the id before which the next one begins, 0 if there is none.
func (s *Store) Campaigns(ctx context.Context, account int64, f Filter) (page []Campaign, next int64, err error) {
	w := pg.Walk{From: `campaigns c`, Key: `c.id`, Range: pg.NewWhere(0), Limit: f.Limit}
	w.Order = w.Range.Before(`c.account_id`, `c.id`, account, cmp.Or(f.Before, math.MaxInt64))
	w.Fits = pg.NewWhere(len(w.Range.Args()))
	if f.State != nil {
		w.Fits.Add(`c.state = ?`, *f.State)
	}
	if f.Search != "" {
		w.Fits.Add(`c.name ILIKE ?`, "%"+pg.LikeText(f.Search)+"%")
	}
	if f.Parent != 0 {
		w.Fits.Add(`c.parent_id = ?`, f.Parent)
	}
	ids, next, err := w.IDs(ctx, s.db)
	if err != nil {
		return nil, 0, pg.Wrap("look for campaigns", err)
	}
	page = []Campaign{}
	err = s.db.SelectContext(ctx, &page, `SELECT `+shortColumns+` FROM campaigns c WHERE c.id = ANY($1) ORDER BY c.id DESC`, ids)
	return page, next, pg.Wrap("list campaigns", err)
}

// Zone returns the account's time zone.
func (s *Store) Zone(ctx context.Context, account int64) (string, error) {
	var name string
	err := s.db.GetPrepared(ctx, &name, `SELECT time_zone FROM accounts WHERE id = $1`, account)
	return name, pg.Wrap("read the account's time zone", err)
}

// Now returns the time of Postgres' clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) { return s.db.Now(ctx) }
