package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// NewMessage is a message to be stored, with what only the
// accept transaction needs to know.
type NewMessage struct {
	*dispatch.Message
	TTL         time.Duration // until expiry, from send_at; used when ExpiresAt is zero
	Offered     bool          // will be offered to the queue right after the commit
	NeedsWindow bool          // free-form WhatsApp content: the conversation window must be open
	Charge      bool          // the account pays: debit Price
	Marketing   bool          // a marketing template, which a stop of marketing holds back
	Paged       bool          // it waits in a page of the backlog, if it is plain
}

// horizon is how long before send_at a scheduled message moves to dispatch.
const horizon = 5 * time.Minute

// offerVisibility is when the feeder offers a message again that was offered
// right after its accept and not claimed.
const offerVisibility = "3 seconds"

type acceptRow struct {
	ID         dispatch.ID `db:"id"`
	Inserted   bool        `db:"inserted"`
	Suppressed bool        `db:"suppressed"`
	WindowOpen bool        `db:"window_open"`
	CreatedAt  time.Time   `db:"created_at"`
	Later      bool        `db:"later"`
}

// InsertMessages commits one page. Each receipt carries its own refusal, if
// any; an error is about the whole page, and unless Refused says so its outcome
// is unknown.
func (s *Store) InsertMessages(ctx context.Context, page []NewMessage) ([]dispatch.Receipt, error) {
	return s.insert(ctx, page, false)
}

// InsertTogether commits all of the page or, when one message is refused,
// nothing; the error is then that refusal.
func (s *Store) InsertTogether(ctx context.Context, page []NewMessage) ([]dispatch.Receipt, error) {
	return s.insert(ctx, page, true)
}

// InsertWithin is InsertMessages of messages that surely were not written before, in
// a transaction: a refusal is no error and ends nothing but its message.
func (s *Store) InsertWithin(ctx context.Context, page []NewMessage) ([]dispatch.Receipt, error) {
	sorted := make([]*NewMessage, len(page))
	for i := range page {
		sorted[i] = &page[i]
	}
	out := make([]dispatch.Receipt, len(page))
	byID := make(map[dispatch.ID]dispatch.Receipt)
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		switch {
		case !plain(sorted) || s.needsTx(sorted):
			return s.acceptTx(ctx, tx, sorted, byID)
		case alike(sorted):
			return s.acceptAlike(ctx, tx, sorted, out, byID)
		}
		query, args := plainAccept(sorted)
		return s.acceptRows(ctx, tx, query, args, sorted, byID)
	})
	if err != nil || len(byID) == 0 {
		return out, err
	}
	for i := range page {
		out[i] = byID[page[i].ID]
	}
	return out, nil
}

func firstRefusal(page []NewMessage, out map[dispatch.ID]dispatch.Receipt) error {
	for i := range page {
		if err := out[page[i].ID].Err; err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) insert(ctx context.Context, page []NewMessage, together bool) ([]dispatch.Receipt, error) {
	if len(page) == 0 {
		return nil, nil
	}
	sorted := make([]*NewMessage, len(page))
	for i := range page {
		sorted[i] = &page[i]
	}
	// One order for everybody: two pages with the same keys must not deadlock.
	sort.SliceStable(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		if a.Account != b.Account {
			return a.Account < b.Account
		}
		if a.IdemKey != b.IdemKey {
			return a.IdemKey < b.IdemKey
		}
		return a.IdemIndex < b.IdemIndex
	})
	byID := make(map[dispatch.ID]dispatch.Receipt, len(page))
	var err error
	if together {
		err = s.db.Tx(ctx, func(tx *pg.DB) error {
			clear(byID)
			if err := s.acceptTx(ctx, tx, sorted, byID); err != nil {
				return err
			}
			return firstRefusal(page, byID)
		})
	} else {
		err = s.acceptPage(ctx, sorted, byID)
	}
	if err != nil {
		return nil, err
	}
	out := make([]dispatch.Receipt, len(page))
	for i := range page {
		out[i] = byID[page[i].ID]
	}
	return out, nil
}

// acceptPage writes a page with one statement where that is enough, and else in
// a transaction.
func (s *Store) acceptPage(ctx context.Context, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt) error {
	if !s.needsTx(page) {
		query, args := sqlAcceptOnce, []any(nil)
		switch {
		case plain(page):
			query, args = plainAccept(page)
		case charged(page):
			query = sqlAcceptPaid
		}
		if args == nil {
			args = generalArgs(page)
		}
		// A page that repeats keys of another one, which goes the long way and has
		// locked the account, may have to give way to it. One of which the driver
		// lost the answer was perhaps written.
		err := s.acceptRows(ctx, s.db, query, args, page, out)
		if !pg.DividedByZero(err) && !pg.Deadlocked(err) && !pg.Duplicate(err) {
			return err
		}
	}
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		clear(out)
		return s.acceptTx(ctx, tx, page, out)
	})
}

// needsTx reports whether the page does more than one statement can: money of
// several accounts, contacts, or the minutes around midnight UTC in which an
// idempotency key may lie in one of two days.
func (s *Store) needsTx(page []*NewMessage) bool {
	midnight := nearMidnight(s.now())
	payer := int64(0)
	for _, a := range page {
		if a.Contact != nil || a.Parent != dispatch.NoID || (midnight && a.IdemKey != "") {
			return true
		}
		if !a.Charge {
			continue
		}
		if a.Price <= 0 || (payer != 0 && payer != a.Account) {
			return true
		}
		payer = a.Account
	}
	return false
}

func (s *Store) acceptTx(ctx context.Context, tx *pg.DB, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt) error {
	if nearMidnight(s.now()) {
		if err := lockKeys(ctx, tx, page); err != nil {
			return err
		}
	}
	page, err := reserveParents(ctx, tx, page, out)
	if err != nil {
		return err
	}
	page, err = s.reserveCredits(ctx, tx, page, out)
	if err != nil {
		return err
	}
	if err := s.acceptRows(ctx, tx, sqlAccept, generalArgs(page), page, out); err != nil {
		return err
	}
	if err := debit(ctx, tx, page, out); err != nil {
		return err
	}
	if err := tieParents(ctx, tx, page, out); err != nil {
		return err
	}
	return saveContacts(ctx, tx, page, out)
}

func (s *Store) acceptRows(
	ctx context.Context, q *pg.DB, query string, args []any, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt,
) error {
	if len(page) == 0 {
		return nil
	}
	var rows []acceptRow
	if err := q.SelectPrepared(ctx, &rows, query, args...); err != nil {
		return pg.Wrap("insert messages", err)
	}
	return s.answer(ctx, q, rows, page, out)
}

// acceptAlike writes a page of messages that are alike and sets the receipts: those of out if all messages are as usual, and
// else those of others.
func (s *Store) acceptAlike(
	ctx context.Context, q *pg.DB, page []*NewMessage, out []dispatch.Receipt, others map[dispatch.ID]dispatch.Receipt,
) error {
	var rows []acceptRow
	if err := q.SelectPrepared(ctx, &rows, sqlAcceptAlike, alikeArgs(page)...); err != nil {
		return pg.Wrap("insert messages", err)
	}
	if len(rows) != 1 || rows[0].ID != dispatch.NoID {
		return s.answer(ctx, q, rows, page, others)
	}
	for i, a := range page {
		out[i] = receipt(a, rows[0].CreatedAt, false)
	}
	return nil
}

// answer sets the receipts of a page of which rows came back.
func (s *Store) answer(
	ctx context.Context, q *pg.DB, rows []acceptRow, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt,
) error {
	byID := make(map[dispatch.ID]*acceptRow, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	usual := byID[dispatch.NoID]
	if usual == nil {
		return errors.New("insert messages: no answer came back")
	}
	var missing []*NewMessage
	for _, a := range page {
		r := cmp.Or(byID[a.ID], usual)
		if !r.Inserted {
			missing = append(missing, a)
			continue
		}
		out[a.ID] = receipt(a, r.CreatedAt, r.Later)
	}
	if len(missing) == 0 {
		return nil
	}
	return s.resolveMissing(ctx, q, missing, byID, out)
}

func receipt(a *NewMessage, created time.Time, later bool) dispatch.Receipt {
	st := dispatch.Queued
	if later {
		st = dispatch.Scheduled
	}
	return dispatch.Receipt{
		ID: a.ID, Status: st, To: a.To, Channel: a.Channel, SendAt: a.SendAt, CreatedAt: created,
		Segments: a.Segments, Price: a.Price,
	}
}

func refusal(a *NewMessage, r *acceptRow) error {
	switch {
	case r == nil:
		return fmt.Errorf("message %s: no row came back", a.ID)
	case r.Suppressed:
		return dispatch.OptedOut()
	case !r.WindowOpen:
		return &dispatch.Error{Code: dispatch.OutsideWindow, Msg: "the recipient has not written in the last 24 hours; send a template instead"}
	}
	return &dispatch.Error{Code: dispatch.InProgress, Msg: "a request with the same Idempotency-Key is still running", RetryAfter: 1}
}

// CheckAccept reports whether the accept transaction would refuse a, and writes
// nothing.
func (s *Store) CheckAccept(ctx context.Context, a NewMessage) error {
	return checkAccept(ctx, s.db, a)
}

var sqlCheckAccept = `
SELECT ` + people.HeldBack("$1::bigint", "$3::text", "i.ids", "$5::boolean") + ` AS suppressed,
  NOT $4 OR ` + people.OpenWindow("$2::bigint", "$3::text", "i.ids") + ` AS window_open, (SELECT balance FROM accounts
    WHERE id = $1) AS balance
FROM (SELECT ` + people.LinkedTo("$1::bigint", "$3::text") + ` AS ids OFFSET 0) i`

func checkAccept(ctx context.Context, q *pg.DB, a NewMessage) error {
	var row struct {
		Suppressed bool  `db:"suppressed"`
		WindowOpen bool  `db:"window_open"`
		Balance    int64 `db:"balance"`
	}
	err := q.GetContext(ctx, &row, sqlCheckAccept, a.Account, a.Channel, a.To, a.NeedsWindow, a.Marketing)
	if err != nil {
		return pg.Wrap("check message", err)
	}
	if a.Charge && (row.Balance <= 0 || row.Balance < a.Price) {
		return lowBalance()
	}
	if row.Suppressed || !row.WindowOpen {
		return refusal(&a, &acceptRow{Suppressed: row.Suppressed, WindowOpen: row.WindowOpen})
	}
	return nil
}

// saveContacts creates or updates the recipients that asked for it, in the
// accept transaction.
func saveContacts(ctx context.Context, tx *pg.DB, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt) error {
	page = slices.Clone(page)
	// One order for everybody: two pages with the same contacts must not deadlock.
	slices.SortStableFunc(page, func(a, b *NewMessage) int { return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.To, b.To)) })
	for _, a := range page {
		if a.Contact == nil || out[a.ID].Err != nil || out[a.ID].Replayed {
			continue
		}
		if err := people.SaveContact(ctx, tx, a.Account, a.To, a.Contact.Name, string(a.Contact.Fields), a.Contact.ListID); err != nil {
			return err
		}
	}
	return nil
}
