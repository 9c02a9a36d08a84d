package campaign

import (
	"context"
	"database/sql"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Entry is a person of an audience as a list or an import holds them.
type Entry struct {
	At       int64  `db:"at"`   // place in its source
	Line     int    `db:"line"` // in the imported file; 0: from elsewhere
	To       string `db:"recipient"`
	Name     string `db:"name"`
	TimeZone string `db:"time_zone"`
	ListZone string `db:"list_zone"`
	Fields   string `db:"fields"`
	Bad      string `db:"bad"` // what is wrong with it; empty: nothing
}

// ListEntries reads the contacts of a list of the account after the id.
func (s *Store) ListEntries(ctx context.Context, account, list, after int64, limit int) ([]Entry, error) {
	var out []Entry
	err := s.db.SelectContext(ctx, &out, `
		SELECT c.id AS at, coalesce(c.phone, nullif('+' || c.wa_id, '+'), c.user_id) AS recipient, c.name, c.time_zone, l.time_zone AS list_zone,
		  c.fields::text AS fields, '' AS bad
		FROM list_contacts m JOIN lists l ON l.id = m.list_id JOIN contacts c ON c.id = m.contact_id
		WHERE l.account_id = $1 AND m.list_id = $2 AND m.contact_id > $3 ORDER BY m.contact_id LIMIT $4`, account, list, after, limit)
	return out, pg.Wrap("read list", err)
}

// sqlImportEntries reads a bad row by its cells, which are those of the columns
// that are read (contactimport.Info.ErrorColumns), so that it can be corrected. ImportEntries
// scans its columns by their place.
const sqlImportEntries = `
SELECT row AS at, line, coalesce(phone, nullif('+' || wa_id, '+'), nullif(user_id, ''), bad->>'phone', problem->>'value', '') AS recipient,
  coalesce(nullif(name, ''), bad->>'name', '') AS name, coalesce(nullif(time_zone, ''), bad->>'time_zone', '') AS time_zone,
  '' AS list_zone, coalesce(bad->>'fields', fields::text) AS fields,
  CASE WHEN result = 'bad' THEN coalesce(problem->>'reason', 'the row cannot be read') ELSE '' END AS bad
FROM (SELECT r.*, CASE WHEN r.result = 'bad' AND i.options->>'format' <> 'ndjson' THEN (
    SELECT jsonb_build_object('phone', max(cell) FILTER (WHERE field = 'phone'), 'name', max(cell) FILTER (WHERE field = 'name'),
      'time_zone', max(cell) FILTER (WHERE field = 'time_zone'),
      'fields', jsonb_object_agg(substr(field, 8), cell) FILTER (WHERE field LIKE 'fields.%' AND cell <> ''))
    FROM (SELECT c.c->>'field' AS field, r.cells->>(row_number() OVER (ORDER BY c.n)::integer - 1) AS cell
      FROM jsonb_array_elements(i.columns) WITH ORDINALITY AS c(c, n) WHERE c.c->>'name' NOT LIKE '\_%') x) END AS bad
  FROM import_rows r JOIN imports i ON i.id = r.import_id
  WHERE i.account_id = $1 AND r.import_id = $2 AND r.row > $3 ORDER BY r.row LIMIT $4 OFFSET 0) r ORDER BY row`

// ImportEntries reads the rows of an audience that was imported, after the row.
func (s *Store) ImportEntries(ctx context.Context, account, id, after int64, limit int) ([]Entry, error) {
	var out []Entry
	err := s.db.EachPrepared(ctx, func(rows *sql.Rows) error {
		var e Entry
		err := rows.Scan(&e.At, &e.Line, &e.To, &e.Name, &e.TimeZone, &e.ListZone, &e.Fields, &e.Bad)
		out = append(out, e)
		return err
	}, sqlImportEntries, account, id, after, limit)
	return out, pg.Wrap("read import", err)
}

// Imports returns the imports of a campaign's audience: the one that it names (0:
// none), and those that were made for it.
func (s *Store) Imports(ctx context.Context, account, id, named int64) ([]int64, error) {
	var out []int64
	err := s.db.SelectContext(ctx, &out, `SELECT id FROM imports WHERE account_id = $1 AND kind = 'audience' AND status = 'done' AND NOT undo
		AND (id = $3 OR (campaign_id = $2 AND NOT coalesce((options->>'dry_run')::boolean, false))) ORDER BY id`, account, id, named)
	return out, pg.Wrap("look for imports", err)
}

// RunningImport returns an import that is adding rows to a campaign's audience, or
// 0 if there is none.
func (s *Store) RunningImport(ctx context.Context, account, id int64) (int64, error) {
	var running int64
	err := s.db.GetContext(ctx, &running, `SELECT coalesce(min(id), 0) FROM imports WHERE account_id = $1 AND kind = 'audience'
		AND campaign_id = $2 AND status = 'running' AND NOT undo AND NOT coalesce((options->>'dry_run')::boolean, false)`, account, id)
	return running, pg.Wrap("look for running imports", err)
}

// MissingLists returns those of lists that the account does not have.
func (s *Store) MissingLists(ctx context.Context, account int64, lists []int64) ([]int64, error) {
	var out []int64
	err := s.db.SelectContext(ctx, &out, `SELECT x.id FROM unnest($2::bigint[]) AS x(id)
		WHERE NOT EXISTS (SELECT 1 FROM lists l WHERE l.id = x.id AND l.account_id = $1)`, account, pq.Array(lists))
	return out, pg.Wrap("look for lists", err)
}

// Persons returns the numbers of the persons among ids of whom several ids are
// known.
func (s *Store) Persons(ctx context.Context, account int64, ids []string) (map[string]int64, error) {
	var rows []struct {
		Value  string `db:"value"`
		Person int64  `db:"person"`
	}
	err := s.db.SelectContext(ctx, &rows, `SELECT value, person FROM identities
	  WHERE account_id = $1 AND value = ANY($2)`, account, pq.Array(ids))
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[r.Value] = r.Person
	}
	return out, pg.Wrap("read people", err)
}

var sqlHeldBack = `SELECT i.recipient FROM unnest($2::text[]) AS i(recipient) WHERE ` +
	people.Held("$1::bigint", "i.recipient", "$3::boolean")

// HeldBack returns which of the recipients a suppression holds back.
func (s *Store) HeldBack(ctx context.Context, account int64, recipients []string, marketing bool) (map[string]bool, error) {
	var rows []string
	err := s.db.SelectPrepared(ctx, &rows, sqlHeldBack, account, pq.Array(recipients), marketing)
	out := make(map[string]bool, len(rows))
	for _, r := range rows {
		out[r] = true
	}
	if err != nil {
		return nil, pg.Wrap("look for suppressions", err)
	}
	erased, err := erasure.OptOutsOf(ctx, s.db, account)
	for _, r := range recipients {
		if erased.HoldBack(r, marketing) {
			out[r] = true
		}
	}
	return out, err
}

const (
	sqlKnown = `SELECT p.person FROM unnest($2::text[]) p (person)
  WHERE EXISTS (SELECT 1 FROM campaign_recipients r WHERE r.campaign_id = $1 AND r.person = p.person OFFSET 0)`

	// sqlFormerly finds persons under an id that they had in the ledger before
	// further ones were learnt.
	sqlFormerly = `
SELECT p.person FROM unnest($2::text[]) p (person) JOIN campaigns c ON c.id = $1
  JOIN identities i ON i.account_id = c.account_id AND i.person = substr(p.person, 8)::bigint
  WHERE EXISTS (SELECT 1 FROM campaign_recipients r WHERE r.campaign_id = $1 AND r.person = i.value OFFSET 0)`
)

// Known returns which of the persons a ledger has already.
func (s *Store) Known(ctx context.Context, id int64, persons []string) (map[string]bool, error) {
	var rows []string
	if err := s.db.SelectPrepared(ctx, &rows, sqlKnown, id, pq.Array(persons)); err != nil {
		return nil, pg.Wrap("look for recipients", err)
	}
	several := slices.DeleteFunc(slices.Clone(persons), func(p string) bool { return !strings.HasPrefix(p, "person:") })
	if len(several) > 0 {
		var more []string
		if err := s.db.SelectContext(ctx, &more, sqlFormerly, id, pq.Array(several)); err != nil {
			return nil, pg.Wrap("look for recipients", err)
		}
		rows = append(rows, more...)
	}
	out := make(map[string]bool, len(rows))
	for _, p := range rows {
		out[p] = true
	}
	return out, nil
}

// Recipient is a row of the ledger.
type Recipient struct {
	Campaign int64           `db:"campaign_id"`
	Seq      int             `db:"seq"`
	Status   campaign.Status `db:"status"`
	Reason   campaign.Reason `db:"reason"`
	WakeAt   time.Time       `db:"wake_at"`
	Message  *string         `db:"message_id"`
	To       string          `db:"recipient"`
	Person   *string         `db:"person"`
	Zones    string          `db:"zones"`
	Fields   string          `db:"fields"`
	Field    string          `db:"field"`
	Detail   string          `db:"detail"`

	// As Turn has read it, for Move.
	Place     string `db:"place"`
	turn      time.Time
	was       campaign.Status
	wasReason campaign.Reason
}

const recipientColumns = `r.campaign_id, r.seq, r.status, r.reason, r.wake_at, r.message_id, r.recipient, r.person, r.zones, r.fields,
  r.field, r.detail`

// Most pages have nothing to write in the last of the columns. (indexed_status has a default for
// the binary before, which finds rows that wait by it.)
var (
	addedColumns = []string{
		"campaign_id", "seq", "status", "wake_at", "recipient", "person", "fields", "indexed_status", "zones", "reason", "field", "detail",
	}
	columnsOfAll, columnsWithZones = 8, 9
)

// AddRecipients appends rows to a campaign's ledger and counts them, in this
// transaction.
func (s *Store) AddRecipients(ctx context.Context, id int64, rows []Recipient) error {
	if len(rows) == 0 {
		return nil
	}
	counts := map[ledger.Key]int64{}
	n := columnsOfAll
	for i := range rows {
		r := &rows[i]
		counts[ledger.Key{Status: r.Status, Reason: r.Reason}]++
		switch {
		case r.Reason != 0 || r.Field != "" || r.Detail != "":
			n = len(addedColumns)
		case r.Zones != "":
			n = max(n, columnsWithZones)
		}
	}
	if err := s.db.Copy(ctx, "campaign_recipients", addedColumns[:n], added(id, rows, n)); err != nil {
		return pg.Wrap("add recipients", err)
	}
	return ledger.Add(ctx, s.db, id, counts)
}

// added yields the first n of the columns of rows. Most rows have the time of the
// row before, which is written once.
func added(id int64, rows []Recipient, n int) iter.Seq[[]any] {
	var campaignID any = id
	return func(yield func([]any) bool) {
		var at time.Time
		var wakes any
		values := make([]any, 0, len(addedColumns))
		for i := range rows {
			r := &rows[i]
			if wakes == nil || !r.WakeAt.Equal(at) {
				at, wakes = r.WakeAt, string(pq.FormatTimestamp(r.WakeAt))
			}
			var indexed any
			if r.Status >= campaign.Failed {
				indexed = int64(r.Status)
			}
			values = append(
				values[:0], campaignID, int64(r.Seq), int64(r.Status), wakes, storable.Clean(r.To), pg.Nullable(pg.Text(r.Person)),
				storable.Clean(r.Fields), indexed, r.Zones, int64(r.Reason), storable.Clean(r.Field), storable.Clean(r.Detail),
			)
			if !yield(values[:n]) {
				return
			}
		}
	}
}

// EmptyLedger deletes the ledger of a campaign of which nothing was sent.
func (s *Store) EmptyLedger(ctx context.Context, c *Campaign) error {
	c.again()
	if _, err := s.db.ExecContext(ctx, `DELETE FROM campaign_recipients WHERE campaign_id = $1`, c.ID); err != nil {
		return pg.Wrap("empty ledger", err)
	}
	return ledger.Forget(ctx, s.db, c.ID)
}
