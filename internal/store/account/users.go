package account

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Member is a user as administration sees one, disabled or not.
type Member struct {
	ID        string    `db:"id" json:"id"`
	Account   int64     `db:"account_id" json:"-"`
	Name      string    `db:"name" json:"name"`
	Email     string    `db:"email" json:"email"`
	Role      string    `db:"role" json:"role"`
	Disabled  bool      `db:"disabled" json:"disabled"`
	CanLogin  bool      `db:"can_login" json:"can_log_in"`
	CreatedAt time.Time `db:"created_at" json:"created_at"`
}

const memberColumns = `id, account_id, name, email, role, disabled, password_hash <> '' AND NOT disabled AS can_login, created_at`

// Members lists all users of an account.
func (s *Store) Members(ctx context.Context, account int64) ([]Member, error) {
	out := []Member{}
	err := s.db.SelectContext(ctx, &out, `SELECT `+memberColumns+` FROM users WHERE account_id = $1 ORDER BY created_at, id`, account)
	return out, pg.Wrap("list users", err)
}

// Member reads one user of the account. Within a Change it keeps the whole team
// as it is, in the order in which keepOwner locks the owners.
func (s *Store) Member(ctx context.Context, account int64, id string) (Member, error) {
	var m Member
	if s.db.InTx() {
		if _, err := s.db.ExecContext(ctx, `SELECT 1 FROM users WHERE account_id = $1 ORDER BY id FOR UPDATE`, account); err != nil {
			return m, pg.Wrap("lock team", err)
		}
	}
	err := s.db.GetContext(ctx, &m, `SELECT `+memberColumns+` FROM users WHERE account_id = $1 AND id = $2::uuid`, account, id)
	return m, pg.Wrap("read user", err)
}

// UpdateMember writes name, e-mail, role and whether the user is disabled; a
// password hash only when one is given. The last owner stays one.
func (s *Store) UpdateMember(ctx context.Context, m Member, passwordHash string) (Member, error) {
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if m.Role != "owner" || m.Disabled {
			if err := keepOwner(ctx, tx, m.Account, m.ID); err != nil {
				return err
			}
		}
		err := tx.GetContext(ctx, &m, `UPDATE users SET name = $3, email = $4, role = $5, disabled = $6, password_hash = CASE WHEN $7 = ''
		  THEN password_hash ELSE $7 END
			WHERE account_id = $1 AND id = $2::uuid RETURNING `+memberColumns, m.Account, m.ID, m.Name, m.Email, m.Role, m.Disabled, passwordHash)
		return pg.Wrap("update user", err)
	})
	return m, err
}

// DeleteMember removes a user for good; what they sent stays.
func (s *Store) DeleteMember(ctx context.Context, account int64, id string) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := keepOwner(ctx, tx, account, id); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `DELETE FROM users WHERE account_id = $1 AND id = $2::uuid`, account, id)
		if err != nil {
			return pg.Wrap("delete user", err)
		}
		return pg.Found(r)
	})
}

// keepOwner refuses to take the last owner's role away. It locks the owners:
// two of them can't remove each other at the same time.
func keepOwner(ctx context.Context, tx *pg.DB, account int64, id string) error {
	var owners []string
	if err := tx.SelectContext(ctx, &owners, `SELECT id FROM users WHERE account_id = $1 AND role = 'owner' AND NOT disabled
	  ORDER BY id FOR UPDATE`, account); err != nil {
		return pg.Wrap("lock owners", err)
	}
	if len(owners) == 1 && owners[0] == id {
		return dispatch.Errorf(dispatch.Conflict, "the account's last owner can't be removed, disabled or made anything else")
	}
	return nil
}

// CreateUser adds a team member. The password hash may be empty: no login.
func (s *Store) CreateUser(ctx context.Context, account int64, name, email, role, passwordHash string) (dispatch.User, error) {
	u := dispatch.User{ID: uuid.NewString(), Name: name, Email: email, Role: role}
	_, err := s.db.ExecContext(ctx, `INSERT INTO users (id, account_id, name, email, role, password_hash) VALUES ($1, $2, $3, $4, $5, $6)
	  ON CONFLICT (id) DO NOTHING`,
		u.ID, account, name, email, role, passwordHash)
	return u, pg.Wrap("create user", err)
}

// Users lists the team of an account.
func (s *Store) Users(ctx context.Context, account int64) ([]dispatch.User, error) {
	out := []dispatch.User{}
	err := s.db.SelectContext(ctx, &out, `SELECT id, name, email, role FROM users WHERE account_id = $1 AND NOT disabled
	  ORDER BY created_at, id`, account)
	return out, pg.Wrap("list users", err)
}

// SetPassword replaces a user's password.
func (s *Store) SetPassword(ctx context.Context, email, hash string) error {
	r, err := s.db.ExecContext(ctx, `UPDATE users SET password_hash = $2 WHERE email = $1`, email, hash)
	if err != nil {
		return pg.Wrap("set password", err)
	}
	return pg.Found(r)
}
