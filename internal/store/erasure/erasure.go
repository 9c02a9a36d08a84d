// Package erasure removes all that is stored of a person, and remembers the
// person by keyed hashes, so that no import writes it again.
package erasure

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store reads and writes erasures.
type Store struct {
	db *pg.DB
}

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db: db} }

// Erasure is the removal of one person.
type Erasure struct {
	ID         int64           `db:"id"`
	Account    int64           `db:"account_id"`
	IDs        pq.StringArray  `db:"ids"`
	Removed    json.RawMessage `db:"removed"`
	CreatedAt  time.Time       `db:"created_at"`
	FinishedAt *time.Time      `db:"finished_at"`
}

const columns = `id, account_id, ids, removed, created_at, finished_at`

// sqlCreate takes all ids of the person that are known.
const sqlCreate = `
INSERT INTO erasures (account_id, ids) SELECT $1, array_agg(DISTINCT v) FROM (
  SELECT $2::text AS v
  UNION SELECT b.value FROM identities a JOIN identities b USING (account_id, person) WHERE a.account_id = $1 AND a.value = $2
  UNION SELECT x.v FROM contacts c CROSS JOIN LATERAL (VALUES (c.phone), ('+' || nullif(c.wa_id, '')), (nullif(c.user_id, ''))) x (v)
    WHERE c.account_id = $1 AND (c.phone = $2 OR '+' || c.wa_id = $2 OR c.user_id = $2) AND x.v IS NOT NULL) ids
RETURNING ` + columns

// CreateErasure inserts the request to remove the person with an id, as package person
// writes it. From then on no import writes the person.
func (s *Store) CreateErasure(ctx context.Context, account int64, id string) (e Erasure, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := tx.GetContext(ctx, &e, sqlCreate, account, id); err != nil {
			return pg.Wrap("create erasure", err)
		}
		return remember(ctx, tx, account, e.IDs)
	})
	return e, err
}

// sqlRemember keeps with each id the widest scope that any of them had, also that
// of an earlier erasure, and what of it an operator had set.
const sqlRemember = `
WITH s AS (SELECT CASE WHEN bool_or(scope = 'all') THEN 'all' ELSE min(scope) END AS scope,
    CASE WHEN bool_or(manual = 'all') THEN 'all' ELSE min(manual) END AS manual
  FROM suppressions WHERE account_id = $1 AND phone = ANY($3))
INSERT INTO erased_people AS e (account_id, hash, scope, manual) SELECT $1, h, s.scope, s.manual FROM unnest($2::bytea[]) AS h CROSS JOIN s
ON CONFLICT (account_id, hash) DO UPDATE SET
  scope = CASE WHEN excluded.scope = 'all' THEN 'all' ELSE coalesce(e.scope, excluded.scope) END,
  manual = CASE WHEN excluded.manual = 'all' THEN 'all' ELSE coalesce(e.manual, excluded.manual) END, erased_at = now()`

// remember stores the hashes of a person's ids.
func remember(ctx context.Context, tx *pg.DB, account int64, ids []string) error {
	fresh := make([]byte, sha256.Size)
	_, _ = rand.Read(fresh) // never fails (crypto/rand)
	sealed, err := tx.Box().Seal(fresh, pg.Row("erasure_keys", account))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO erasure_keys (account_id, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING`, account, sealed)
	if err != nil {
		return pg.Wrap("store erasure key", err)
	}
	key, err := keyOf(ctx, tx, account)
	if err != nil {
		return err
	}
	hashes := make(pq.ByteaArray, len(ids))
	for i, id := range ids {
		hashes[i] = hash(key, id)
	}
	_, err = tx.ExecContext(ctx, sqlRemember, account, hashes, pq.Array(ids))
	return pg.Wrap("remember erased person", err)
}

func hash(key []byte, id string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id))
	return h.Sum(nil)
}

// keyOf returns the key of an account, dispatch.ErrNotFound if it never erased
// anybody.
func keyOf(ctx context.Context, db *pg.DB, account int64) ([]byte, error) {
	var sealed []byte
	if err := db.GetContext(ctx, &sealed, `SELECT sealed FROM erasure_keys WHERE account_id = $1`, account); err != nil {
		return nil, pg.Wrap("read erasure key", err)
	}
	return db.Box().Open(sealed, pg.Row("erasure_keys", account))
}

// Erased returns which of the ids are those of erased persons.
func Erased(ctx context.Context, db *pg.DB, account int64, ids []string) (map[string]bool, error) {
	key, err := keyOf(ctx, db, account)
	if errors.Is(err, dispatch.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	hashes, by := make(pq.ByteaArray, len(ids)), make(map[string]string, len(ids))
	for i, id := range ids {
		hashes[i] = hash(key, id)
		by[string(hashes[i])] = id
	}
	var found [][]byte
	err = db.SelectContext(ctx, &found, `SELECT hash FROM erased_people WHERE account_id = $1 AND hash = ANY($2)`, account, hashes)
	out := make(map[string]bool, len(found))
	for _, h := range found {
		out[by[string(h)]] = true
	}
	return out, pg.Wrap("look for erased persons", err)
}

// Erasure returns an erasure of the account.
func (s *Store) Erasure(ctx context.Context, account, id int64) (Erasure, error) {
	var e Erasure
	err := s.db.GetContext(ctx, &e, `SELECT `+columns+` FROM erasures WHERE account_id = $1 AND id = $2`, account, id)
	return e, pg.Wrap("read erasure", err)
}
