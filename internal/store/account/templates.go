package account

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/store/pg"
)

type templateRow struct {
	ID         int64      `db:"id"`
	Account    int64      `db:"account_id"`
	Channel    *int64     `db:"channel_id"`
	Provider   string     `db:"provider"`
	Name       string     `db:"name"`
	Language   string     `db:"language"`
	Category   string     `db:"category"`
	Status     string     `db:"status"`
	Format     string     `db:"parameter_format"`
	ProviderID string     `db:"provider_template_id"`
	Components []byte     `db:"components"`
	Reason     string     `db:"status_reason"`
	StatusAt   *time.Time `db:"status_at"`
	Quality    string     `db:"quality"`
	Used       int64      `db:"used"`
	CreatedAt  time.Time  `db:"created_at"`
	UpdatedAt  time.Time  `db:"updated_at"`
}

const templateColumns = `t.id, t.account_id, t.channel_id, t.provider, t.name, t.language, t.category, t.status, t.parameter_format,
  t.provider_template_id, t.components, t.status_reason, t.status_at, t.quality,
  coalesce((SELECT used FROM template_usage u WHERE u.template_id = t.id), 0) AS used, t.created_at, t.updated_at`

func (r *templateRow) template() (template.Template, error) {
	t := template.Template{
		ID: r.ID, Account: r.Account, Provider: r.Provider, Name: r.Name, Language: r.Language, Category: r.Category, Status: r.Status,
		ParameterFormat: r.Format, ProviderTemplateID: r.ProviderID, StatusReason: r.Reason, StatusAt: r.StatusAt, Quality: r.Quality,
		UsageCount: r.Used, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if r.Channel != nil {
		t.Channel = *r.Channel
	}
	if err := json.Unmarshal(r.Components, &t.Components); err != nil {
		return t, fmt.Errorf("read template %d: %w", r.ID, err)
	}
	return t, nil
}

func channelOrNull(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

// SaveTemplate creates a template (ID 0) or replaces one of the account's.
func (s *Store) SaveTemplate(ctx context.Context, t template.Template) (template.Template, error) {
	var row templateRow
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		args := []any{
			t.Account, channelOrNull(t.Channel), t.Provider, t.Name, t.Language, t.Category, t.Status, t.ParameterFormat,
			t.ProviderTemplateID, pg.JSON(t.Components),
		}
		if t.ID == 0 {
			return tx.GetContext(ctx, &row, `INSERT INTO templates AS t (account_id, channel_id, provider, name, language, category, status,
			  parameter_format, provider_template_id, components)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING `+templateColumns, args...)
		}
		return tx.GetContext(ctx, &row, `UPDATE templates t SET channel_id = $2, provider = $3, name = $4, language = $5, category = $6,
		  status = $7, parameter_format = $8,
			provider_template_id = $9, components = $10, updated_at = now(),
			status_reason = CASE WHEN t.status = $7 THEN t.status_reason ELSE '' END, status_at = CASE WHEN t.status = $7 THEN t.status_at
			  ELSE now() END WHERE t.account_id = $1 AND t.id = $11 RETURNING `+templateColumns, append(args, t.ID)...)
	})
	if err != nil {
		return t, pg.Wrap("save template", err)
	}
	return row.template()
}

// SyncTemplates writes what a provider lists for a channel: new ones are made,
// known ones brought up to date, those that are gone marked disabled. The names
// of variables are ours and stay.
func (s *Store) SyncTemplates(ctx context.Context, account, channel int64, ts []template.Template) (made, changed, gone int, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		made, changed, gone = 0, 0, 0
		if err := keepNames(ctx, tx, account, channel, ts); err != nil {
			return err
		}
		var seen []string
		for _, t := range ts {
			var inserted bool
			err := tx.GetContext(ctx, &inserted, `INSERT INTO templates AS t (account_id, channel_id, name, language, category, status,
			  parameter_format, provider_template_id, components)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
				ON CONFLICT (account_id, (coalesce(channel_id, 0)), provider, name, language) DO UPDATE
				  SET category = excluded.category, status = excluded.status,
				  status_reason = CASE WHEN t.status = excluded.status THEN t.status_reason ELSE '' END,
				  status_at = CASE WHEN t.status = excluded.status THEN t.status_at ELSE now() END,
				  parameter_format = excluded.parameter_format, provider_template_id = excluded.provider_template_id, components = excluded.components,
				    updated_at = now()
				RETURNING (xmax = 0)`,
				account, channel, t.Name, t.Language, t.Category, t.Status, t.ParameterFormat, t.ProviderTemplateID, pg.JSON(t.Components))
			if err != nil {
				return pg.Wrap("sync template", err)
			}
			if inserted {
				made++
			} else {
				changed++
			}
			seen = append(seen, t.Name+"/"+t.Language)
		}
		r, err := tx.ExecContext(ctx, `UPDATE templates SET status = 'disabled', updated_at = now()
		  WHERE account_id = $1 AND channel_id = $2 AND provider = '' AND status <> 'disabled' AND NOT (name || '/' || language = ANY($3))`,
			account, channel, pq.Array(seen))
		if err != nil {
			return pg.Wrap("disable missing templates", err)
		}
		n, err := r.RowsAffected()
		gone = int(n)
		return err
	})
	return made, changed, gone, err
}

// keepNames sets on the templates that come from a provider the names that their
// variables have here: on the channel, else in the entry of the account.
func keepNames(ctx context.Context, tx *pg.DB, account, channel int64, ts []template.Template) error {
	var rows []templateRow
	err := tx.SelectContext(ctx, &rows, `SELECT `+templateColumns+` FROM templates t
	  WHERE t.account_id = $1 AND t.provider = '' AND (t.channel_id = $2 OR t.channel_id IS NULL)
		ORDER BY t.channel_id NULLS LAST`, account, channel)
	if err != nil {
		return pg.Wrap("read known templates", err)
	}
	for i := range rows {
		known, err := rows[i].template()
		if err != nil {
			return err
		}
		for k := range ts {
			if ts[k].Name == known.Name && ts[k].Language == known.Language {
				ts[k].KeepNames(&known)
			}
		}
	}
	return nil
}

// Template reads one template of the account.
func (s *Store) Template(ctx context.Context, account, id int64) (template.Template, error) {
	var row templateRow
	if err := s.db.GetContext(ctx, &row, s.db.ForUpdate(`SELECT `+templateColumns+` FROM templates t
	  WHERE t.account_id = $1 AND t.id = $2`, "t"), account, id); err != nil {
		return template.Template{}, pg.Wrap("read template", err)
	}
	return row.template()
}

// Templates lists the templates of an account.
func (s *Store) Templates(ctx context.Context, account int64) ([]template.Template, error) {
	var rows []templateRow
	where := pg.NewWhere(0)
	order := where.After(`t.account_id`, `t.id`, account, 0)
	if err := s.db.SelectContext(ctx, &rows, `SELECT `+templateColumns+` FROM templates t WHERE `+where.SQL()+` ORDER BY `+order,
		where.Args()...); err != nil {
		return nil, pg.Wrap("list templates", err)
	}
	out := make([]template.Template, 0, len(rows))
	for i := range rows {
		t, err := rows[i].template()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// DeleteTemplate removes a template of the account.
func (s *Store) DeleteTemplate(ctx context.Context, account, id int64) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM templates WHERE account_id = $1 AND id = $2`, account, id)
	if err != nil {
		return pg.Wrap("delete template", err)
	}
	return pg.Found(r)
}

// CountTemplates adds to the usage of templates.
func (s *Store) CountTemplates(ctx context.Context, used map[int64]int64) error {
	var ids, ns []int64
	for id, n := range used {
		ids, ns = append(ids, id), append(ns, n)
	}
	if len(ids) == 0 {
		return nil
	}
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO template_usage AS u (template_id, used)
			SELECT x.id, x.n FROM unnest($1::bigint[], $2::bigint[]) AS x(id, n) JOIN templates t ON t.id = x.id ORDER BY 1
			ON CONFLICT (template_id) DO UPDATE SET used = u.used + excluded.used`, pq.Array(ids), pq.Array(ns))
		return pg.Wrap("count template usage", err)
	})
}
