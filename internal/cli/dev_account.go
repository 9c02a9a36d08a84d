package cli

import (
	"context"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// account creates the demo account at the first start and registers its channels
// with the emulator.
func (d *dev) account(ctx context.Context) error {
	box, err := pg.NewBox(d.cfg.SecretKeys()...)
	if err != nil {
		return err
	}
	db, err := pg.Open(pg.Options{URL: d.file.PostgresURL, MaxConns: 2, Application: "sendoff-dev", Box: box})
	if err != nil {
		return err
	}
	defer db.Close()
	st := account.New(db)
	a, err := demo.Account(ctx, st, d.file.EmulatorURL)
	if err != nil {
		return err
	}
	d.file.AccountSID = a.SID
	if err := d.credentials(ctx, st, a.ID); err != nil {
		return err
	}
	return d.list(ctx, st, a.ID)
}

func (d *dev) credentials(ctx context.Context, st *account.Store, owner int64) (err error) {
	if !d.known(ctx, st, d.file.APIKey) {
		if d.file.APIKey, err = demo.Key(ctx, st, owner, false); err != nil {
			return err
		}
	}
	if !d.known(ctx, st, d.file.TestAPIKey) {
		if d.file.TestAPIKey, err = demo.Key(ctx, st, owner, true); err != nil {
			return err
		}
	}
	d.file.Dashboard.URL = d.file.BaseURL + "/"
	if d.file.Dashboard.Password == "" {
		d.file.Dashboard.Email = "owner@example.com"
		d.file.Dashboard.Password, err = demo.Owner(ctx, st, owner, d.file.Dashboard.Email)
	}
	return err
}

func (d *dev) list(ctx context.Context, st *account.Store, owner int64) error {
	chs, err := st.Channels(ctx, owner)
	if err != nil {
		return err
	}
	var known []*dispatch.Channel
	for _, ch := range chs {
		d.file.Channels = append(d.file.Channels, devChannel{ch.ID, ch.Key, ch.Provider, ch.Kind, ch.Sender, ch.Default})
		ch.Settings["callback_url"] = d.file.BaseURL + "/callbacks/" + ch.Provider + "/" + ch.Key
		known = append(known, &ch)
	}
	if err := app.RegisterAt(d.file.EmulatorURL, "", known...); err != nil {
		return err
	}
	ts, err := st.Templates(ctx, owner)
	if err != nil {
		return err
	}
	for _, t := range ts {
		d.file.Templates = append(d.file.Templates, devTemplate{t.ID, t.Name, t.Language, t.Category, t.ProviderTemplateID})
	}
	us, err := st.Users(ctx, owner)
	if err != nil {
		return err
	}
	for _, u := range us {
		d.file.Users = append(d.file.Users, devUser{u.ID, u.Name})
	}
	ls, err := st.Lists(ctx, owner)
	for _, l := range ls {
		d.file.ContactLists = append(d.file.ContactLists, devList{l.ID, l.Name})
	}
	return err
}

// known reports whether an API key exists.
func (d *dev) known(ctx context.Context, st *account.Store, secret string) bool {
	if secret == "" {
		return false
	}
	hash := auth.Hash(secret)
	_, err := st.KeyByHash(ctx, hash[:])
	return err == nil
}
