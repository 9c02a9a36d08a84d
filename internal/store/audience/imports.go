// Package audience stores imports of contacts, suppressions and audiences: the
// uploaded files, how far each has come, what it changed, and what undoes it.
package audience

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store reads and writes imports.
type Store struct {
	db *pg.DB
}

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db: db} }

// What the rows of an import become.
const (
	Contacts     = "contacts"
	Suppressions = "suppressions"
	Audience     = "audience" // rows of their own, for campaigns
)

// Kinds are the kinds of imports.
var Kinds = []string{Contacts, Suppressions, Audience}

// Where an import stands.
const (
	Uploading = "uploading"
	Running   = "running"
	Done      = "done"
	Stopped   = "stopped" // too many of the first rows are bad
	Failed    = "failed"
	Undone    = "undone"
)

// Statuses are where an import may stand.
var Statuses = []string{Uploading, Running, Done, Stopped, Failed, Undone}

// Options are a client's settings of an import.
type Options struct {
	Format         string   `json:"format,omitempty"`
	DefaultCountry string   `json:"default_country,omitempty"`
	PhoneColumn    string   `json:"phone_column,omitempty"`
	Delimiter      string   `json:"delimiter,omitempty"`
	Encoding       string   `json:"encoding,omitempty"`
	Map            []string `json:"map,omitempty"`
	Keep           bool     `json:"keep,omitempty"` // contacts that exist keep their fields
	DryRun         bool     `json:"dry_run,omitempty"`
	Force          bool     `json:"force,omitempty"` // however many rows are bad
}

// Counts are the rows of an import by what became of them. They add up to Lines.
type Counts struct {
	Lines      int64 `db:"lines"`
	Created    int64 `db:"created"`
	Updated    int64 `db:"updated"`
	Unchanged  int64 `db:"unchanged"`
	Duplicate  int64 `db:"duplicate"`
	Suppressed int64 `db:"suppressed"`
	Bad        int64 `db:"bad"`
}

// Import is the import of one file.
type Import struct {
	Counts

	ID         int64           `db:"id"`
	Account    int64           `db:"account_id"`
	Actor      string          `db:"actor"`
	Kind       string          `db:"kind"`
	Status     string          `db:"status"`
	Undo       bool            `db:"undo"` // running backwards
	List       *int64          `db:"list_id"`
	Campaign   *int64          `db:"campaign_id"`
	RawOptions json.RawMessage `db:"options"`
	File       string          `db:"file"`
	Received   int64           `db:"received"` // bytes
	Encoding   string          `db:"encoding"`
	Delimiter  string          `db:"delimiter"`
	Columns    json.RawMessage `db:"columns"`
	Error      string          `db:"error"`
	CreatedAt  time.Time       `db:"created_at"`
	StartedAt  *time.Time      `db:"started_at"`
	FinishedAt *time.Time      `db:"finished_at"`

	Seen *Seen `db:"-"` // of the process that runs it; nil: all keys are in the database
}

// Options returns the client's settings.
func (i *Import) Options() (o Options) {
	_ = json.Unmarshal(i.RawOptions, &o) // ours
	return o
}

const importColumns = `id, account_id, actor, kind, status, undo, list_id, campaign_id, options, file, received, encoding,
  delimiter, columns, lines, created, updated, unchanged, duplicate, suppressed, bad, error, created_at, started_at, finished_at`

// CreateImport adds an import that waits for its file.
func (s *Store) CreateImport(ctx context.Context, i *Import, o *Options) (Import, error) {
	var out Import
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		return tx.GetContext(ctx, &out, `INSERT INTO imports (account_id, actor, kind, status, list_id, campaign_id, options, file)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING `+importColumns,
			i.Account, i.Actor, i.Kind, Uploading, i.List, i.Campaign, pg.JSON(o), i.File)
	})
	return out, pg.Wrap("create import", err)
}

// Import returns an import of the account.
func (s *Store) Import(ctx context.Context, account, id int64) (Import, error) {
	var i Import
	sql := s.db.ForUpdate(`SELECT `+importColumns+` FROM imports WHERE account_id = $1 AND id = $2`, "imports")
	err := s.db.GetContext(ctx, &i, sql, account, id)
	return i, pg.Wrap("read import", err)
}

// ImportFilter narrows a list of imports, the newest first.
type ImportFilter struct {
	Kind, Status string // "": all
	Before       int64  // the last id of the previous page; 0: from the top
	Limit        int
}

// Imports lists imports of the account. A page may be short (pg.WalkMax); next is the
// id before which the next one begins, 0 if there is none.
func (s *Store) Imports(ctx context.Context, account int64, f ImportFilter) (page []Import, next int64, err error) {
	w := pg.Walk{From: `imports`, Key: `id`, Range: pg.NewWhere(0), Limit: f.Limit}
	w.Order = w.Range.Before(`account_id`, `id`, account, cmp.Or(f.Before, math.MaxInt64))
	w.Fits = pg.NewWhere(len(w.Range.Args()))
	if f.Kind != "" {
		w.Fits.Add(`kind = ?`, f.Kind)
	}
	if f.Status != "" {
		w.Fits.Add(`status = ?`, f.Status)
	}
	ids, next, err := w.IDs(ctx, s.db)
	if err != nil {
		return nil, 0, pg.Wrap("look for imports", err)
	}
	page = []Import{}
	err = s.db.SelectContext(ctx, &page, `SELECT `+importColumns+` FROM imports WHERE id = ANY($1) ORDER BY id DESC`, ids)
	return page, next, pg.Wrap("list imports", err)
}

// StartImport lets workers run an import whose file is complete. name is that of
// the file, "" if it is not known.
func (s *Store) StartImport(ctx context.Context, account, id int64, name string) (Import, error) {
	return s.set(ctx, account, id, `status = 'running', file = CASE WHEN $3 = '' THEN file ELSE $3 END, finished_at = NULL`, name)
}

// ContinueImport lets workers run a stopped import from the beginning, however
// many rows are bad.
func (s *Store) ContinueImport(ctx context.Context, account, id int64) (i Import, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM import_rows WHERE import_id = $1`, id); err != nil {
			return pg.Wrap("delete rows of import", err)
		}
		i, err = New(tx).set(ctx, account, id, `status = 'running', options = options || jsonb_build_object('force', $3::boolean),
			lines = 0, bad = 0, error = '', finished_at = NULL`, true)
		return err
	})
	return i, err
}

// UndoImport makes workers take back what an import wrote. One that has written
// nothing is undone at once.
func (s *Store) UndoImport(ctx context.Context, account, id int64) (Import, error) {
	return s.set(ctx, account, id, `undo = true, status = CASE WHEN status IN ('uploading', 'undone') THEN 'undone' ELSE 'running' END,
		lease_until = CASE WHEN status = 'running' THEN lease_until END,
		finished_at = CASE WHEN status = 'uploading' THEN now() WHEN status = 'undone' THEN finished_at END`)
}

func (s *Store) set(ctx context.Context, account, id int64, change string, args ...any) (Import, error) {
	var i Import
	sql := `UPDATE imports SET ` + change + `, updated_at = now() WHERE account_id = $1 AND id = $2 RETURNING ` + importColumns
	err := s.db.GetContext(ctx, &i, sql, append([]any{account, id}, args...)...)
	return i, pg.Wrap("change import", err)
}

// ErrLost is returned to a process that does not run an import any more: another
// one does, or it is to be undone.
var ErrLost error = &dispatch.Error{Code: dispatch.Conflict, Msg: "another process runs the import"}
