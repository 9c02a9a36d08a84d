package account

import (
	"context"
	"time"

	"github.com/lib/pq"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Key is an API key as the registry keeps it: never the secret.
type Key struct {
	ID               int64          `db:"id"`
	Account          int64          `db:"account_id"`
	Name             string         `db:"name"`
	Description      string         `db:"description"`
	Prefix           string         `db:"prefix"`
	Test             bool           `db:"test"`
	Permissions      pq.StringArray `db:"permissions"`
	PerSecond        int            `db:"per_second"`
	PerMinute        int            `db:"per_minute"`
	PerDay           int            `db:"per_day"`
	PerRecipientHour *int           `db:"per_recipient_hour"`
	Countries        pq.StringArray `db:"countries"`
	Active           bool           `db:"active"`
	ExpiresAt        *time.Time     `db:"expires_at"`
	OldUntil         *time.Time     `db:"old_until"`
	CreatedAt        time.Time      `db:"created_at"`
	CallsToday       int64          `db:"calls_today"`
	MessagesToday    int64          `db:"messages_today"`
	LastUsed         *time.Time     `db:"last_used"`
	Region           string         `db:"default_region"` // of numbers in national form; "": the account's
	// SecretUntil is the end of the secret by which KeyByHash found the key, nil
	// for the present one. Cached keys are compared with the clock.
	SecretUntil *time.Time `db:"secret_until"`
}

// Rotated reports whether the secret by which KeyByHash found the key has ended
// at now.
func (k *Key) Rotated(now time.Time) bool { return k.SecretUntil != nil && !now.Before(*k.SecretUntil) }

const keyColumns = `k.id, k.account_id, k.name, k.description, k.prefix, k.test, k.permissions, k.per_second, k.per_minute, k.per_day,
  k.per_recipient_hour, k.countries,
  k.active, k.expires_at, k.old_until, k.created_at, k.default_region`

const keyUsage = `,
  coalesce((SELECT calls FROM key_usage u WHERE u.key_id = k.id AND u.day = (now() AT TIME ZONE 'utc')::date), 0) AS calls_today,
  coalesce((SELECT messages FROM key_usage u WHERE u.key_id = k.id AND u.day = (now() AT TIME ZONE 'utc')::date), 0) AS messages_today,
  (SELECT max(last_used) FROM key_usage u WHERE u.key_id = k.id) AS last_used`

// CreateKey stores a key by the SHA-256 of its secret.
func (s *Store) CreateKey(ctx context.Context, k Key, hash []byte) (Key, error) {
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		return tx.GetContext(ctx, &k, `INSERT INTO api_keys AS k (account_id, name, description, prefix, hash, test, permissions,
			per_second, per_minute, per_day, per_recipient_hour, countries, active, expires_at, default_region)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12::text[], '{}'), $13, $14, $15) RETURNING `+keyColumns,
			k.Account, k.Name, k.Description, k.Prefix, hash, k.Test, k.Permissions, k.PerSecond, k.PerMinute, k.PerDay, k.PerRecipientHour,
			k.Countries, k.Active, k.ExpiresAt, k.Region)
	})
	return k, pg.Wrap("create key", err)
}

// UpdateKey writes everything of a key but its secret.
func (s *Store) UpdateKey(ctx context.Context, k Key) (Key, error) {
	err := s.db.GetContext(ctx, &k, `UPDATE api_keys k SET name = $3, description = $4, permissions = $5, per_second = $6, per_minute = $7,
		per_day = $8, per_recipient_hour = $9, countries = coalesce($10::text[], '{}'), active = $11, expires_at = $12, default_region = $13
		WHERE k.id = $1 AND k.account_id = $2 RETURNING `+keyColumns+keyUsage,
		k.ID, k.Account, k.Name, k.Description, k.Permissions, k.PerSecond, k.PerMinute, k.PerDay, k.PerRecipientHour, k.Countries,
		k.Active, k.ExpiresAt, k.Region)
	return k, pg.Wrap("update key", err)
}

// sqlOldSecrets locks a key, drops what has ended of its secrets before
// rotations ($3 false: all) and counts those that go on, with the newest one.
const sqlOldSecrets = `
WITH k AS MATERIALIZED (SELECT id, old_until FROM api_keys WHERE account_id = $1 AND id = $2 FOR UPDATE),
  d AS (DELETE FROM api_key_secrets o USING k WHERE o.key_id = k.id AND (o.until <= now() OR NOT $3))
SELECT (SELECT count(*) FROM api_key_secrets o JOIN k ON k.id = o.key_id WHERE o.until > now()) +
  (SELECT count(*) FROM k WHERE old_until > now())`

// keepOldSecrets keeps the secret before the last rotation for a rotation with
// an overlap: it stays valid until its own end. Without one all old secrets end.
func keepOldSecrets(ctx context.Context, tx *pg.DB, account, id int64, overlap bool) error {
	var n int
	if err := tx.GetContext(ctx, &n, sqlOldSecrets, account, id, overlap); err != nil || !overlap {
		return pg.Wrap("count old secrets", err)
	}
	if n >= dispatch.MaxOldSecrets {
		return dispatch.ErrTooManySecrets
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO api_key_secrets (hash, key_id, until) SELECT old_hash, id, old_until FROM api_keys
		WHERE account_id = $1 AND id = $2 AND old_hash IS NOT NULL AND old_until > now() ON CONFLICT (hash) DO NOTHING`, account, id)
	return pg.Wrap("keep old secret", err)
}

// RotateKey sets a new secret of a key; the old one works until overlap is over,
// those before it until their own ends. An overlap of zero ends all old ones. It
// returns dispatch.ErrTooManySecrets if too many old ones are valid.
func (s *Store) RotateKey(ctx context.Context, account, id int64, prefix string, hash []byte, overlap time.Duration) (Key, error) {
	var k Key
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := keepOldSecrets(ctx, tx, account, id, overlap > 0); err != nil {
			return err
		}
		return tx.GetContext(ctx, &k, `UPDATE api_keys k SET old_hash = CASE WHEN $5 > 0 THEN hash END, old_until = CASE WHEN $5 > 0
		  THEN now() + make_interval(secs => $5) END, hash = $4, prefix = $3
			WHERE k.id = $1 AND k.account_id = $2 RETURNING `+keyColumns+keyUsage, id, account, prefix, hash, overlap.Seconds())
	})
	return k, pg.Wrap("rotate key", err)
}

// DeleteKey removes a key at once and for good.
func (s *Store) DeleteKey(ctx context.Context, account, id int64) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM api_keys WHERE id = $1 AND account_id = $2`, id, account)
	if err != nil {
		return pg.Wrap("delete key", err)
	}
	return pg.Found(r)
}

// KeyByHash finds the key of which the present secret, or an old one within its
// overlap, has the hash. The caller checks Active, ExpiresAt and SecretUntil.
func (s *Store) KeyByHash(ctx context.Context, hash []byte) (Key, error) {
	var k Key
	err := s.db.GetContext(ctx, &k, `SELECT `+keyColumns+`,
		CASE WHEN k.hash = $1 THEN NULL WHEN k.old_hash = $1 THEN k.old_until ELSE (SELECT o.until FROM api_key_secrets o
		  WHERE o.hash = $1) END AS secret_until
		FROM api_keys k WHERE k.hash = $1 OR (k.old_hash = $1 AND k.old_until > now())
		OR k.id = (SELECT o.key_id FROM api_key_secrets o WHERE o.hash = $1 AND o.until > now())`, hash)
	return k, pg.Wrap("find key", err)
}

// Key returns a key of the account, or dispatch.ErrNotFound.
func (s *Store) Key(ctx context.Context, account, id int64) (Key, error) {
	var k Key
	err := s.db.GetContext(ctx, &k, s.db.ForUpdate(`SELECT `+keyColumns+keyUsage+` FROM api_keys k
	  WHERE k.account_id = $1 AND k.id = $2`, "k"), account, id)
	return k, pg.Wrap("read key", err)
}

// Keys lists the keys of an account.
func (s *Store) Keys(ctx context.Context, account int64) ([]Key, error) {
	out := []Key{}
	err := s.db.SelectContext(ctx, &out, `SELECT `+keyColumns+keyUsage+` FROM api_keys k WHERE k.account_id = $1 ORDER BY k.id`, account)
	return out, pg.Wrap("list keys", err)
}
