// Package demo makes the account that `sendoff dev` starts with: channels of
// every provider, all pointed at the emulator, templates, keys, a team.
package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/store/account"
)

const accountName = "Demo"

// limits of the demo keys.
const demoLimit = 1_000_000

// Account finds or makes the demo account with all that belongs to it, and
// points its channels at the emulator.
func Account(ctx context.Context, st *account.Store, emulatorURL string) (account.Account, error) {
	accounts, err := st.Accounts(ctx)
	if err != nil {
		return account.Account{}, err
	}
	for _, a := range accounts {
		if a.Name == accountName {
			return a, errors.Join(repoint(ctx, st, a.ID, emulatorURL), complete(ctx, st, a.ID))
		}
	}
	a, err := st.CreateAccount(ctx, accountName)
	if err != nil {
		return a, err
	}
	for _, c := range channels(a.ID, emulatorURL) {
		if _, err := st.CreateChannel(ctx, c); err != nil {
			return a, err
		}
	}
	if _, err := st.CreateUser(ctx, a.ID, "Sam Sender", "sam@example.com", "sender", ""); err != nil {
		return a, err
	}
	return a, complete(ctx, st, a.ID)
}

// complete creates what the account lacks: also one that an earlier version of
// Sendoff created. It opens the conversation window of the first recipient again.
func complete(ctx context.Context, st *account.Store, id int64) error {
	known, err := st.Templates(ctx, id)
	if err != nil {
		return err
	}
	for _, t := range templates(id) {
		if slices.ContainsFunc(known, func(k template.Template) bool { return k.Name == t.Name }) {
			continue
		}
		t.Normalize()
		if _, err := st.SaveTemplate(ctx, t); err != nil {
			return err
		}
	}
	if err := people(ctx, st, id); err != nil {
		return err
	}
	chs, err := st.Channels(ctx, id)
	if err != nil {
		return err
	}
	for _, ch := range chs {
		if ch.Default {
			return st.OpenWindow(ctx, ch.ID, Recipient)
		}
	}
	return nil
}

// repoint follows an emulator that has another address than last time.
func repoint(ctx context.Context, st *account.Store, account int64, emulatorURL string) error {
	chs, err := st.Channels(ctx, account)
	if err != nil {
		return err
	}
	for _, c := range chs {
		if c.Settings["base_url"] == emulatorURL || c.Settings["emulated"] != "true" {
			continue
		}
		c.Settings["base_url"] = emulatorURL
		if _, err := st.UpdateChannel(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// Owner makes the dashboard's owner with a fresh password, or returns the one
// there is a new password.
func Owner(ctx context.Context, st *account.Store, account int64, email string) (password string, err error) {
	password = random(12)
	hash, err := auth.HashPassword(ctx, password)
	if err != nil {
		return "", err
	}
	if _, err = st.CreateUser(ctx, account, "Olivia Owner", email, "owner", hash); dispatch.CodeOf(err) == dispatch.Conflict && err != nil {
		return password, st.SetPassword(ctx, email, hash)
	}
	return password, err
}

// Key makes a key that may do everything.
func Key(ctx context.Context, st *account.Store, id int64, test bool) (string, error) {
	secret := auth.Generate(test)
	hash := auth.Hash(secret)
	name, most := "Demo key", demoLimit
	if test {
		name = "Demo test key"
	}
	_, err := st.CreateKey(ctx, account.Key{
		Account: id, Name: name, Description: "made by sendoff dev", Prefix: auth.Prefix(secret), Test: test, Active: true,
		Permissions: auth.AllPermissions.Names(), PerSecond: most, PerMinute: most, PerDay: most, PerRecipientHour: new(int), // 0: unbounded
	}, hash[:])
	return secret, err
}

// policy lets tests and demonstrations run fast.
func policy(provider string) dispatch.Policy {
	p := dispatch.DefaultPolicy()
	p.Rate, p.Concurrency, p.MaxAttempts = 10_000, 1000, 4
	p.BackoffBase, p.BackoffCap = 200*time.Millisecond, 2*time.Second
	p.ResolveWindow = [3]time.Duration{2 * time.Second, 3 * time.Second, 5 * time.Second}
	return p
}

func channels(account int64, emulatorURL string) []dispatch.Channel {
	made := func(name, provider, kind, sender string, settings, secrets map[string]string) dispatch.Channel {
		settings["base_url"], settings["emulated"] = emulatorURL, "true"
		return dispatch.Channel{
			Account: account, Name: name, Provider: provider, Kind: kind, Sender: sender, Settings: settings, Secrets: secrets,
			Policy: policy(provider), Default: provider == "meta",
		}
	}
	type m = map[string]string
	twilio := "AC" + random(16)
	token := random(16)
	return []dispatch.Channel{
		made("WhatsApp (Meta)", "meta", "whatsapp", "+15550002222", m{"phone_number_id": "106540352242922", "waba_id": "102290129340398"},
			m{"access_token": random(24), "app_secret": random(16), "verify_token": random(8)}),
		made("SMS (Twilio)", "twilio", "sms", "+15550003333", m{"account_sid": twilio}, m{"auth_token": token}),
		made("WhatsApp (Twilio)", "twilio", "whatsapp", "+15550004444", m{"account_sid": twilio}, m{"auth_token": token}),
		made(
			"WhatsApp (Gupshup)", "gupshup", "whatsapp", "+919999900000", m{"app_name": "DemoApp"},
			m{"apikey": random(16), "callback_secret": random(32)},
		),
		made(
			"WhatsApp (Kaleyra)", "kaleyra", "whatsapp", "+919999900001", m{"sid": "HXDEMO0000000001IN"},
			m{"api_key": random(16), "callback_secret": random(32)},
		),
		made(
			"SMS (Kaleyra)", "kaleyra", "sms", "SENDOF", m{"sid": "HXDEMO0000000001IN", "sms_type": "TXN"},
			m{"api_key": random(16), "callback_secret": random(32)},
		),
	}
}

// templates are Meta's four, usable on the meta and kaleyra channels, and one
// of each provider that keeps its own.
func templates(account int64) []template.Template {
	ts := emulator.DemoTemplates()
	body := template.Component{Type: "BODY", Text: "Hello {{1}}, your appointment is on {{2}}.", Variables: []string{"name", "date"}}
	ts = append(ts,
		template.Template{
			Name: "appointment_twilio", Language: "en", Category: "utility", Status: "approved", Provider: "twilio",
			ProviderTemplateID: "HX" + random(16), Components: []template.Component{body},
		},
		template.Template{
			Name: "appointment_gupshup", Language: "en", Category: "utility", Status: "approved",
			Provider: "gupshup", ProviderTemplateID: uuid.NewString(), Components: []template.Component{body},
		})
	for i := range ts {
		ts[i].Account = account
	}
	return ts
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
