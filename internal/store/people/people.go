package people

import (
	"context"
	"maps"
	"slices"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Seen is a recipient with the ids by which its provider named it; empty: none.
type Seen struct {
	Recipient, WaID, UserID string
}

// Adds reports whether one of the ids is another than the one that the message went
// to. Of a recipient who was erased nothing is kept again.
func (s Seen) Adds() bool {
	return s.Recipient != "" && (s.WaID != "" && "+"+s.WaID != s.Recipient || s.UserID != "" && s.UserID != s.Recipient)
}

// NoteAll keeps the providers' own ids of recipients, which links each with the id
// that its message went to, and shows WhatsApp's with the contacts.
func (p *People) NoteAll(ctx context.Context, account int64, seen []Seen) error {
	var persons [][]string
	contacts := map[string]string{} // WhatsApp's ids by phone
	for _, s := range seen {
		persons = append(persons, []string{s.Recipient, person.ID(s.WaID), person.ID(s.UserID)})
		if person.IsPhone(s.Recipient) && person.WaID(s.WaID) != "" {
			contacts[s.Recipient] = s.WaID
		}
	}
	if err := p.LinkAll(ctx, account, persons); err != nil || len(contacts) == 0 {
		return err
	}
	phones := slices.Sorted(maps.Keys(contacts)) // in order: pages of several workers do not deadlock
	ids := make([]string, len(phones))
	for i, phone := range phones {
		ids[i] = contacts[phone]
	}
	_, err := p.db.ExecContext(ctx, `INSERT INTO contacts (account_id, phone, wa_id)
		SELECT $1, t.phone, t.wa_id FROM unnest($2::text[], $3::text[]) AS t(phone, wa_id)
		ON CONFLICT (account_id, phone) DO UPDATE SET wa_id = excluded.wa_id WHERE contacts.wa_id <> excluded.wa_id`,
		account, pq.Array(phones), pq.Array(ids))
	return pg.Wrap("note providers' ids of recipients", err)
}

// LinkedTo returns the SQL of the array of all ids of the person who has the id
// value; it is empty for the many of whom one number is all that is known.
func LinkedTo(account, value string) string {
	return `ARRAY(SELECT b.value FROM identities a JOIN identities b ON b.account_id = a.account_id AND b.person = a.person
      WHERE a.account_id = ` + account + ` AND a.value = ` + value + `)`
}

// Name returns the SQL of what the person who has the id is called in a ledger:
// person:N, or null while one number is all that is known.
func Name(account, id string) string {
	return `(SELECT 'person:' || a.person FROM identities a WHERE a.account_id = ` + account + ` AND a.value = ` + id + `)`
}

// Names returns the SQL of the array of what a person may be called in a ledger:
// the recipient or person:N, from before and after further ids were learnt, also if
// two persons turned out to be one since then.
func Names(account, recipient string) string {
	return `(ARRAY(SELECT unnest(ARRAY[b.value, 'person:' || b.person] || b.former)
      FROM identities a JOIN identities b ON b.account_id = a.account_id AND b.person = a.person
      WHERE a.account_id = ` + account + ` AND a.value = ` + recipient + `) || ` + recipient + `)`
}

// HeldBack returns the SQL of whether a suppression holds back a message to the
// recipient, one of whose ids is in the array ids.
func HeldBack(account, recipient, ids, marketing string) string {
	of := func(match string) string {
		return `EXISTS (SELECT 1 FROM suppressions s WHERE s.account_id = ` + account + ` AND s.phone = ` + match + ` AND (s.scope = 'all'
		  OR ` + marketing + `))`
	}
	return `(` + of(recipient) + ` OR ` + of(`ANY(`+ids+`)`) + `)`
}

// Held returns the SQL of HeldBack for a recipient whose other ids are not
// known yet.
func Held(account, recipient, marketing string) string {
	scope := `(s.scope = 'all' OR ` + marketing + `)`
	return `(EXISTS (SELECT 1 FROM suppressions s WHERE s.account_id = ` + account + ` AND s.phone = ` + recipient + ` AND ` + scope + `)
  OR EXISTS (SELECT 1 FROM identities a JOIN identities b ON b.account_id = a.account_id AND b.person = a.person
    JOIN suppressions s ON s.account_id = b.account_id AND s.phone = b.value
    WHERE a.account_id = ` + account + ` AND a.value = ` + recipient + ` AND ` + scope + `))`
}

// OpenWindow returns the SQL of whether the person has written to the channel in
// the last 24 hours.
func OpenWindow(channel, recipient, ids string) string {
	of := func(match string) string {
		return `EXISTS (SELECT 1 FROM windows w WHERE w.channel_id = ` + channel + ` AND w.phone = ` + match + `
		  AND w.opened_at > now() - interval '24 hours')`
	}
	return `(` + of(recipient) + ` OR ` + of(`ANY(`+ids+`)`) + `)`
}

// KnownID reports whether a provider has named a person of the account by the id.
func (p *People) KnownID(ctx context.Context, account int64, id string) (bool, error) {
	var known bool
	err := p.db.GetContext(ctx, &known, `SELECT EXISTS (SELECT 1 FROM identities WHERE account_id = $1 AND value = $2)`, account, id)
	return known, pg.Wrap("look for a person's id", err)
}

// NumbersOf returns the phone numbers of the person with the id.
func (p *People) NumbersOf(ctx context.Context, account int64, id string) ([]string, error) {
	ids, err := p.IDsOf(ctx, account, id)
	return slices.DeleteFunc(ids, func(id string) bool { return !person.IsPhone(id) }), err
}

// IDsOf returns all ids of the person with the id, which is among them.
func (p *People) IDsOf(ctx context.Context, account int64, id string) ([]string, error) {
	ids := []string{}
	err := p.db.SelectContext(ctx, &ids, `SELECT $2::text UNION SELECT unnest(`+LinkedTo("$1::bigint", "$2::text")+`) ORDER BY 1`, account, id)
	return ids, pg.Wrap("read a person's ids", err)
}

const sqlIDs = `
SELECT (SELECT array_agg(b.value ORDER BY b.value COLLATE "C")
  FROM identities a JOIN identities b ON b.account_id = a.account_id AND b.person = a.person
  WHERE a.account_id = t.account AND a.value = t.id)
FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS t(account, id, place) ORDER BY place`

// ID is an id of a person of an account.
type ID struct {
	Account int64
	ID      string
}

// IDs returns, by index, all ids of each person in the order of their bytes. The
// first one, which is a number or wa_id if one is known, stands for the person:
// what is counted or spaced by recipient goes by it.
func (p *People) IDs(ctx context.Context, of []ID) ([][]string, error) {
	accounts, values := make([]int64, len(of)), make([]string, len(of))
	for i, id := range of {
		accounts[i], values[i] = id.Account, id.ID
	}
	known := make([]pq.StringArray, 0, len(of))
	err := p.db.SelectPrepared(ctx, &known, sqlIDs, pq.Array(accounts), pq.Array(values))
	if err != nil {
		return nil, pg.Wrap("read people's ids", err)
	}
	ids := make([][]string, len(of))
	for i := range ids {
		if ids[i] = known[i]; len(known[i]) == 0 { // one number is all that is known of the most
			ids[i] = values[i : i+1 : i+1]
		}
	}
	return ids, nil
}

// FirstIDsOf returns, by index, the first of the ids of each person of an account.
// With an error it returns ids.
func (p *People) FirstIDsOf(ctx context.Context, account int64, ids []string) ([]string, error) {
	of := make([]ID, len(ids))
	for i, id := range ids {
		of[i] = ID{account, id}
	}
	all, err := p.IDs(ctx, of)
	if err != nil {
		return ids, err
	}
	first := make([]string, len(all))
	for i := range all {
		first[i] = all[i][0]
	}
	return first, nil
}

const sqlUsernames = `UPDATE identities i SET username = t.username FROM unnest($2::text[], $3::text[]) AS t(value, username)
  WHERE i.account_id = $1 AND i.value = t.value AND i.username <> t.username`

// Learn keeps what inbound messages show of the ids of those who wrote them.
func (p *People) Learn(ctx context.Context, account int64, ins []dispatch.Inbound) error {
	persons := make([][]string, len(ins))
	var users, names []string
	for i := range ins {
		in := &ins[i]
		persons[i] = []string{in.From, person.ID(in.WaID), in.UserID, in.MovedTo}
		if in.UserID != "" && in.Username != "" && !slices.Contains(users, in.UserID) {
			users, names = append(users, in.UserID), append(names, storable.Clean(in.Username))
		}
	}
	if err := p.LinkAll(ctx, account, persons); err != nil || len(users) == 0 {
		return err
	}
	_, err := p.db.ExecContext(ctx, sqlUsernames, account, pq.Array(users), pq.Array(names))
	return pg.Wrap("note usernames", err)
}
