package demo

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

func open(t *testing.T) *account.Store {
	t.Helper()
	return openAt(t, storetest.Postgres(t))
}

func openAt(t *testing.T, url string) *account.Store {
	t.Helper()
	db := storetest.Open(t, url, 2)
	return account.New(db)
}

// A second start finds the account of the first one, and only its emulated
// channels follow the emulator to another address.
func TestAccount_Twice_IsTheSame(t *testing.T) {
	t.Parallel()
	st := open(t)
	first, err := Account(t.Context(), st, "http://127.0.0.1:1")
	must(t, err)
	chs, err := st.Channels(t.Context(), first.ID)
	must(t, err)
	own := chs[len(chs)-1]
	own.Settings["emulated"] = ""
	_, err = st.UpdateChannel(t.Context(), own)
	must(t, err)

	again, err := Account(t.Context(), st, "http://127.0.0.1:2")
	must(t, err)
	if again.ID != first.ID {
		t.Errorf("account %d, then %d", first.ID, again.ID)
	}
	after, err := st.Channels(t.Context(), first.ID)
	must(t, err)
	if len(after) != len(chs) {
		t.Errorf("%d channels, then %d", len(chs), len(after))
	}
	for _, ch := range after {
		want := "http://127.0.0.1:2"
		if ch.ID == own.ID {
			want = "http://127.0.0.1:1"
		}
		if ch.Settings["base_url"] != want {
			t.Errorf("channel %q calls %s, want %s", ch.Name, ch.Settings["base_url"], want)
		}
	}
}

// There is a default channel, a channel for SMS and one for WhatsApp, every
// template can be used, and every secret is fresh.
func TestAccount_HasWhatExamplesNeed(t *testing.T) {
	t.Parallel()
	st := open(t)
	a, err := Account(t.Context(), st, "http://127.0.0.1:1")
	must(t, err)
	chs, err := st.Channels(t.Context(), a.ID)
	must(t, err)
	var kinds []string
	secrets, defaults := map[string]string{}, 0
	for _, ch := range chs {
		kinds = append(kinds, ch.Kind)
		if ch.Default {
			defaults++
		}
		for name, value := range ch.Secrets {
			if len(value) < 16 {
				t.Errorf("%s of %q is short: %q", name, ch.Name, value)
			}
			if other, again := secrets[value]; again && name != "auth_token" { // one vendor's two channels share an account
				t.Errorf("%s of %q is that of %q", name, ch.Name, other)
			}
			secrets[value] = ch.Name
		}
	}
	if defaults != 1 || !slices.Contains(kinds, "sms") || !slices.Contains(kinds, "whatsapp") {
		t.Errorf("kinds %v, %d default channels", kinds, defaults)
	}
	ts, err := st.Templates(t.Context(), a.ID)
	must(t, err)
	names := map[string]bool{}
	for i := range ts {
		names[ts[i].Name] = true
		if f := ts[i].Validate(); f != nil || ts[i].Usable() != nil {
			t.Errorf("template %s: %v, usable: %v", ts[i].Name, f, ts[i].Usable())
		}
	}
	for _, name := range []string{"order_confirmation", "order_status", "welcome_image", "hello_world", "auth1"} {
		if !names[name] {
			t.Errorf("no template %s", name)
		}
	}
	if len(ts) != len(names) {
		t.Errorf("%d templates with %d names", len(ts), len(names))
	}
	infos, err := st.ListInfos(t.Context(), a.ID, 0, 10)
	must(t, err)
	if len(infos) != 1 || infos[0].Name != "demo" || infos[0].Members != 50 {
		t.Errorf("lists %+v", infos)
	}
}

// The account of an earlier version gets what it lacks, once, and the window of
// the first recipient is opened again at each start.
func TestAccount_OfAnEarlierVersion_IsCompleted(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	st := openAt(t, url)
	a, err := Account(t.Context(), st, "http://127.0.0.1:1")
	must(t, err)
	db, err := sql.Open("postgres", url)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for _, q := range []string{
		`DELETE FROM templates WHERE name = 'order_status'`, `DELETE FROM lists`, `DELETE FROM contacts`,
		`UPDATE windows SET opened_at = now() - interval '2 days'`,
	} {
		_, err := db.ExecContext(t.Context(), q)
		must(t, err)
	}
	for range 2 {
		_, err = Account(t.Context(), st, "http://127.0.0.1:1")
		must(t, err)
	}
	var found, contacts, open int
	must(
		t,
		db.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM templates WHERE name = 'order_status'), (SELECT count(*) FROM list_members),
		(SELECT count(*) FROM windows w JOIN channels c ON c.id = w.channel_id WHERE c.is_default AND w.phone = $1
		AND w.opened_at > now() - interval '1 hour')`,
			Recipient).
			Scan(&found, &contacts, &open),
	)
	if found != 1 || contacts != 50 || open != 1 || a.ID == 0 {
		t.Errorf("%d templates order_status, %d contacts in lists, %d windows", found, contacts, open)
	}
}

// Each call makes another key: test keys are recognised by their secret.
func TestKey(t *testing.T) {
	t.Parallel()
	st := open(t)
	a, err := Account(t.Context(), st, "http://127.0.0.1:1")
	must(t, err)
	seen := map[string]bool{}
	for _, test := range []bool{false, true, false} {
		secret, err := Key(t.Context(), st, a.ID, test)
		must(t, err)
		if seen[secret] {
			t.Error("the same secret twice")
		}
		seen[secret] = true
		hash := auth.Hash(secret)
		k, err := st.KeyByHash(t.Context(), hash[:])
		must(t, err)
		if k.Test != test || !k.Active || k.Account != a.ID || len(k.Permissions) == 0 {
			t.Errorf("%+v", k)
		}
		if k.PerRecipientHour == nil || *k.PerRecipientHour != 0 {
			t.Errorf("messages per recipient are limited: %v", k.PerRecipientHour)
		}
	}
}

// The owner gets a new password each time; an earlier one is no longer valid.
func TestOwner_Twice_ChangesThePassword(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	st := openAt(t, url)
	a, err := Account(t.Context(), st, "http://127.0.0.1:1")
	must(t, err)
	first, err := Owner(t.Context(), st, a.ID, "owner@example.com")
	must(t, err)
	second, err := Owner(t.Context(), st, a.ID, "owner@example.com")
	must(t, err)
	db, err := sql.Open("postgres", url)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	var hash string
	must(t, db.QueryRowContext(t.Context(), `SELECT password_hash FROM users WHERE role = 'owner'`).Scan(&hash)) // there is one
	for _, p := range []struct {
		password string
		valid    bool
	}{{first, false}, {second, true}} {
		valid, err := auth.VerifyPassword(t.Context(), hash, p.password)
		must(t, err)
		if valid != p.valid {
			t.Errorf("%q is valid: %t", p.password, valid)
		}
	}
}
