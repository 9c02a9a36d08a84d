package retention

import (
	"context"
	"encoding/binary"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// numbered are records whose rows have numbers, of which many have an account's
// content: a mark for each record is how far its rows are blank.
type numbered struct {
	// records are those of the account $1 that are older than $2, with the mark of each.
	records string
	// blank blanks the rows of the record $1 after the number $2 up to $3.
	blank string
	// further reports whether the record $1 has rows after the number $2.
	further string
	// rest is what is blanked once all rows are ($1 is the record).
	rest []string
	// size measures rows of records ($1 and $2 as for records; $3 is null).
	size string
}

// The audience of a campaign that ended: its ledger keeps who was in which state, without
// who it was.
const oldCampaigns = `SELECT c.id, m.done_to FROM campaigns c
  LEFT JOIN retention_marks m ON m.account_id = c.account_id AND m.what = 'campaign:' || c.id
  WHERE c.account_id = $1 AND c.finished_at < $2`

var campaignRows = numbered{
	records: oldCampaigns,
	blank: `UPDATE campaign_recipients SET recipient = '', person = NULL, fields = '{}', detail = ''
  WHERE campaign_id = $1 AND seq > $2 AND seq <= $3 AND (recipient, fields, detail) <> ('', '{}', '')`,
	further: `SELECT EXISTS (SELECT 1 FROM campaign_recipients WHERE campaign_id = $1 AND seq > $2)`,
	rest: []string{
		`UPDATE campaigns SET contacts = '[]' WHERE id = $1 AND contacts <> '[]'`,
		`DELETE FROM campaign_validations WHERE campaign_id = $1`,
	},
	size: `SELECT count(*), coalesce(sum(pg_column_size(r.*)), 0) FROM (` + oldCampaigns + `) c
  JOIN campaign_recipients r ON r.campaign_id = c.id
  WHERE c.done_to IS DISTINCT FROM '` + allRows + `' AND (r.recipient, r.fields, r.detail) <> ('', '{}', '') AND $3::bigint IS NULL`,
}

// The rows of an audience that was imported, once all campaigns that have it ended.
const oldImports = `SELECT i.id, m.done_to FROM imports i
  LEFT JOIN retention_marks m ON m.account_id = i.account_id AND m.what = 'import:' || i.id
  JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE c.finished_at < $2) AS old FROM campaigns c WHERE c.account_id = i.account_id
    AND (c.id = i.campaign_id OR c.definition ~ ('"import":' || i.id || '[,}]'))) u ON u.n > 0 AND u.old = u.n
  WHERE i.account_id = $1 AND i.kind = 'audience' AND i.finished_at < $2`

var importRows = numbered{
	records: oldImports,
	blank: `UPDATE import_rows SET phone = NULL, wa_id = '', user_id = '', name = '', time_zone = '', fields = '{}', problem = NULL,
  cells = NULL WHERE import_id = $1 AND row > $2 AND row <= $3`,
	further: `SELECT EXISTS (SELECT 1 FROM import_rows WHERE import_id = $1 AND row > $2)`,
	rest: []string{`UPDATE imports SET columns = (SELECT coalesce(jsonb_agg(c || '{"sample":""}' ORDER BY n), '[]')
  FROM jsonb_array_elements(columns) WITH ORDINALITY AS x (c, n)) WHERE id = $1`},
	size: `SELECT count(*), coalesce(sum(pg_column_size(r.*)), 0) FROM (` + oldImports + `) i JOIN import_rows r ON r.import_id = i.id
  WHERE i.done_to IS DISTINCT FROM '` + allRows + `' AND (r.phone IS NOT NULL OR r.cells IS NOT NULL) AND $3::bigint IS NULL`,
}

// allRows is the mark of a record whose rows are all blank, noRows that of one of which
// none is.
const (
	allRows = "ffffffff-ffff-ffff-ffff-ffffffffffff"
	numbers = 2000 // of a page
)

// page blanks the next rows of a job's records.
func (n *numbered) page(ctx context.Context, s *Store, j *Job) (rows int64, more bool, err error) {
	var of []struct {
		ID   int64      `db:"id"`
		Done *uuid.UUID `db:"done_to"`
	}
	err = s.db.SelectContext(ctx, &of, `SELECT id, done_to FROM (`+n.records+`) r WHERE done_to IS DISTINCT FROM '`+allRows+`'
		ORDER BY id LIMIT 1`, j.Account, j.Before)
	if err != nil || len(of) == 0 {
		return 0, false, pg.Wrap("look for old "+j.Table, err)
	}
	var from uint64
	if of[0].Done != nil {
		from = binary.BigEndian.Uint64(of[0].Done[8:])
	}
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		rows, err = n.redact(ctx, tx, j, of[0].ID, from)
		return err
	})
	return rows, true, err
}

// redact blanks a page of rows of a record after a number, and notes how far it is.
func (n *numbered) redact(ctx context.Context, tx *pg.DB, j *Job, id int64, from uint64) (int64, error) {
	to := from + numbers
	r, err := tx.ExecContext(ctx, n.blank, id, from, to)
	if err != nil {
		return 0, pg.Wrap("blank old "+j.Table, err)
	}
	rows, err := r.RowsAffected()
	if err != nil {
		return 0, pg.Wrap("count blank "+j.Table, err)
	}
	var further bool
	if err := tx.GetContext(ctx, &further, n.further, id, to); err != nil {
		return 0, pg.Wrap("look for more "+j.Table, err)
	}
	var mark uuid.UUID
	binary.BigEndian.PutUint64(mark[8:], to)
	if !further {
		mark = uuid.Max
		for _, query := range n.rest {
			if _, err := tx.ExecContext(ctx, query, id); err != nil {
				return 0, pg.Wrap("blank old "+j.Table, err)
			}
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO retention_marks AS m (account_id, what, done_to) VALUES ($1, $2 || $3::bigint, $4)
		ON CONFLICT (account_id, what) DO UPDATE SET done_to = excluded.done_to WHERE m.done_to < excluded.done_to`, j.Account, j.mark, id, mark)
	return rows, pg.Wrap("note how far retention is", err)
}
