// Package session stores the sessions of the dashboard, invitations to it, and
// failed sign-ins.
package session

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store reads and writes sessions.
type Store struct{ db *pg.DB }

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db} }

// User is a member of a team who can sign in.
type User struct {
	ID           string    `db:"id"`
	Account      int64     `db:"account_id"`
	Name         string    `db:"name"`
	Email        string    `db:"email"`
	Role         string    `db:"role"`
	PasswordHash string    `db:"password_hash"`
	UsedAt       time.Time `db:"used_at"` // of the session by which it was found
}

const userColumns = `u.id, u.account_id, u.name, u.email, u.role, u.password_hash`

// active are the users who may sign in.
const active = ` FROM users u JOIN accounts a ON a.id = u.account_id AND a.disabled_at IS NULL `

const sqlFind = `SELECT ` + userColumns + `, s.used_at` + active + `JOIN sessions s ON s.user_id = u.id
WHERE s.token_hash = $1 AND s.used_at > now() - $2 * interval '1 second' AND NOT u.disabled`

// Find returns the user of a session that was used within idle. It returns an
// error with the code dispatch.NotFound if there is none.
func (s *Store) Find(ctx context.Context, token []byte, idle time.Duration) (User, error) {
	var found []User // every request of a dashboard asks: planned once
	if err := s.db.SelectPrepared(ctx, &found, sqlFind, token, int(idle.Seconds())); err != nil {
		return User{}, pg.Wrap("find session", err)
	}
	if len(found) == 0 {
		return User{}, dispatch.ErrNotFound
	}
	return found[0], nil
}

const sqlFindAll = `SELECT s.token_hash, ` + userColumns + `, s.used_at` + active + `JOIN sessions s ON s.user_id = u.id
WHERE s.token_hash = ANY($1) AND s.used_at > now() - $2 * interval '1 second' AND NOT u.disabled`

// FindAll returns the users of the sessions that were used within idle, by the hash of
// the token.
func (s *Store) FindAll(ctx context.Context, tokens [][]byte, idle time.Duration) (map[string]User, error) {
	var rows []struct {
		Token []byte `db:"token_hash"`
		User
	}
	if err := s.db.SelectContext(ctx, &rows, sqlFindAll, pq.ByteaArray(tokens), int(idle.Seconds())); err != nil {
		return nil, pg.Wrap("find sessions", err)
	}
	out := make(map[string]User, len(rows))
	for _, r := range rows {
		out[string(r.Token)] = r.User
	}
	return out, nil
}

// Touch notes that a session is in use.
func (s *Store) Touch(ctx context.Context, token []byte) error {
	_, err := s.db.ExecContext(ctx, `UPDATE sessions SET used_at = now() WHERE token_hash = $1`, token)
	return pg.Wrap("touch session", err)
}

// ByEmail returns a user who may sign in.
func (s *Store) ByEmail(ctx context.Context, email string) (User, error) {
	var u User
	err := s.db.GetContext(ctx, &u, `SELECT `+userColumns+`, now() AS used_at`+active+`WHERE u.email = $1 AND NOT u.disabled`, email)
	return u, pg.Wrap("find user", err)
}

// Create begins a session, and deletes those that were not used within idle.
func (s *Store) Create(ctx context.Context, token []byte, user string, idle time.Duration) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE token_hash IN (
			SELECT token_hash FROM sessions WHERE used_at < now() - $1 * interval '1 second' LIMIT 1000)`, int(idle.Seconds())); err != nil {
			return pg.Wrap("delete old sessions", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sessions (token_hash, user_id) VALUES ($1, $2::uuid)
		  ON CONFLICT (token_hash) DO NOTHING`, token, user)
		return pg.Wrap("create session", err)
	})
}

// Delete ends a session.
func (s *Store) Delete(ctx context.Context, token []byte) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE token_hash = $1`, token)
	return pg.Wrap("delete session", err)
}

// SetPassword replaces a user's password and ends the user's sessions, except the
// one of token.
func (s *Store) SetPassword(ctx context.Context, user, hash string, token []byte) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		r, err := tx.ExecContext(ctx, `UPDATE users SET password_hash = $2 WHERE id = $1::uuid`, user, hash)
		if err != nil {
			return pg.Wrap("set password", err)
		}
		if err := pg.Found(r); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE user_id = $1::uuid AND token_hash <> $2`, user, token)
		return pg.Wrap("end other sessions", err)
	})
}

// Invite stores an invitation, which replaces earlier ones of the same user.
func (s *Store) Invite(ctx context.Context, token []byte, user string, until time.Time) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM invitations WHERE user_id = $1::uuid OR expires_at < now()`, user); err != nil {
			return pg.Wrap("delete invitations", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO invitations (token_hash, user_id, expires_at) VALUES ($1, $2::uuid, $3)
			ON CONFLICT (token_hash) DO NOTHING`, token, user, until)
		return pg.Wrap("create invitation", err)
	})
}

// Accept uses an invitation up: it sets the user's password. It returns an error
// with the code dispatch.NotFound if the invitation has expired or was used.
func (s *Store) Accept(ctx context.Context, token []byte, passwordHash string) (User, error) {
	var u User
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		return tx.GetContext(ctx, &u, `WITH i AS (DELETE FROM invitations WHERE token_hash = $1 AND expires_at > now() RETURNING user_id)
			UPDATE users u SET password_hash = $2 FROM i, accounts a
			WHERE u.id = i.user_id AND a.id = u.account_id AND a.disabled_at IS NULL AND NOT u.disabled
			RETURNING `+userColumns+`, now() AS used_at`, token, passwordHash)
	})
	return u, pg.Wrap("accept invitation", err)
}

// Failures returns how often each of who has failed to sign in within the period,
// and the end of the longest period.
func (s *Store) Failures(ctx context.Context, period time.Duration, who ...string) (map[string]int, time.Time, error) {
	var rows []struct {
		Who      string    `db:"who"`
		Failures int       `db:"failures"`
		Since    time.Time `db:"since"`
	}
	err := s.db.SelectContext(ctx, &rows, `SELECT who, failures, since FROM sign_in_failures
		WHERE who = ANY($1) AND since > now() - $2 * interval '1 second'`, pq.Array(who), int(period.Seconds()))
	out, until := map[string]int{}, time.Time{}
	for _, r := range rows {
		out[r.Who] = r.Failures
		if end := r.Since.Add(period); end.After(until) {
			until = end
		}
	}
	return out, until, pg.Wrap("read failed sign-ins", err)
}

// Fail counts a failed sign-in for each of who.
func (s *Store) Fail(ctx context.Context, period time.Duration, who ...string) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO sign_in_failures AS f (who, failures) SELECT w, 1 FROM unnest($1::text[]) AS w ORDER BY 1
			ON CONFLICT (who) DO UPDATE SET failures = CASE WHEN f.since > now() - $2 * interval '1 second' THEN f.failures + 1 ELSE 1 END,
			since = CASE WHEN f.since > now() - $2 * interval '1 second' THEN f.since
			  ELSE now() END`, pq.Array(who), int(period.Seconds())); err != nil {
			return pg.Wrap("count failed sign-in", err)
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM sign_in_failures WHERE who IN (
			SELECT who FROM sign_in_failures WHERE since < now() - $1 * interval '1 second' LIMIT 100)`, int(period.Seconds()))
		return pg.Wrap("forget failed sign-ins", err)
	})
}

// Forgive forgets the failed sign-ins of who.
func (s *Store) Forgive(ctx context.Context, who ...string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM sign_in_failures WHERE who = ANY($1)`, pq.Array(who))
	return pg.Wrap("forget failed sign-ins", err)
}
