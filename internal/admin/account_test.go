package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestAccount_CreatedDisabledDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	all, err := f.Accounts(t.Context())
	if err != nil || len(all.Data) != 2 || all.Data[0].Name != "One" || !strings.HasPrefix(all.Data[0].SID, "AC") ||
		all.Data[0].DisabledAt != nil {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, name := range []string{"", " ", strings.Repeat("x", 201)} {
		_, err = f.CreateAccount(t.Context(), admin.CLI(0), admin.AccountCreate{Name: name})
		refused(t, err, dispatch.Invalid, "/name")
	}
	off, err := f.EnableAccount(t.Context(), f.who, false)
	if err != nil || off.DisabledAt == nil {
		t.Fatalf("%+v, %v", off, err)
	}
	again, err := f.EnableAccount(t.Context(), f.who, false)
	if err != nil || !again.DisabledAt.Equal(*off.DisabledAt) {
		t.Errorf("disabled since %v, then since %v, %v", off.DisabledAt, again.DisabledAt, err)
	}
	if on, err := f.EnableAccount(t.Context(), f.who, true); err != nil || on.DisabledAt != nil {
		t.Errorf("%+v, %v", on, err)
	}
	f.noted("account.disable account:1", "account.disable account:1", "account.enable account:1")
	if err := f.DeleteAccount(t.Context(), f.who); err != nil {
		t.Fatal(err)
	}
	_, err = f.Account(t.Context(), f.who)
	refused(t, err, dispatch.NotFound)
	refused(t, f.DeleteAccount(t.Context(), f.who), dispatch.NotFound)
	if other, err := f.Account(t.Context(), f.stranger); err != nil || other.Name != "Two" {
		t.Errorf("%+v, %v", other, err)
	}
}

func TestAccount_TimeZone_IsCanonical(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if a, err := f.Account(t.Context(), f.who); err != nil || a.TimeZone != "UTC" {
		t.Errorf("of a new account: %+v, %v", a, err)
	}
	a, err := f.UpdateAccount(t.Context(), f.who, admin.AccountUpdate{Zone: new("Asia/Calcutta")})
	if err != nil || a.TimeZone != "Asia/Kolkata" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, none := range []string{"", "Mars/Base", "Local"} {
		_, err := f.UpdateAccount(t.Context(), f.who, admin.AccountUpdate{Zone: &none})
		refused(t, err, dispatch.Invalid, "/time_zone")
	}
	if a, err := f.Account(t.Context(), f.who); err != nil || a.TimeZone != "Asia/Kolkata" {
		t.Errorf("after refusals: %+v, %v", a, err)
	}
}

func TestAccount_WithInbound_IsKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(
		`INSERT INTO inbound (id, account_id, channel_id, from_phone, type, provider_id, raw, at) VALUES (gen_random_uuid(), 1, 1, ` +
			`'+15550000100', 'text', 'x', '{}', now())`,
	)
	refused(t, f.DeleteAccount(t.Context(), f.who), dispatch.Conflict)
	if n := f.count("accounts WHERE id = 1"); n != 1 {
		t.Error("the account is gone")
	}
}

func TestCredits_AddedTakenAndListed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	add := func(amount string, on *bool) admin.CreditsChange {
		c, err := input.ParseCredits(amount)
		if err != nil {
			t.Fatal(err)
		}
		return admin.CreditsChange{Amount: &c, Enabled: on}
	}
	v, err := f.ChangeCredits(t.Context(), f.who, add("10.250001", new(true)))
	if err != nil || !v.Enabled || v.Balance != 10_250_001 {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err = f.ChangeCredits(t.Context(), f.who, add("-0.25", nil)); err != nil || !v.Enabled || v.Balance != 10_000_001 {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err = f.ChangeCredits(t.Context(), f.who, admin.CreditsChange{Enabled: new(false)}); err != nil || v.Enabled ||
		v.Balance != 10_000_001 {
		t.Errorf("%+v, %v", v, err)
	}
	_, err = f.ChangeCredits(t.Context(), f.who, admin.CreditsChange{})
	refused(t, err, dispatch.Invalid, "/amount")
	_, err = f.ChangeCredits(t.Context(), f.who, add("0", nil))
	refused(t, err, dispatch.Invalid, "/amount")
	first, err := f.Ledger(t.Context(), f.who, admin.Paging{Limit: 1})
	if err != nil || len(first.Data) != 1 || first.Data[0].Amount != -250_000 || first.Data[0].Kind != "topup" || first.Next == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := f.Ledger(t.Context(), f.who, admin.Paging{Limit: 1, Cursor: first.Next})
	if err != nil || len(second.Data) != 1 || second.Data[0].Amount != 10_250_001 || second.Next != "" {
		t.Errorf("%+v, %v", second, err)
	}
	if v, err := f.Credits(t.Context(), f.stranger); err != nil || v.Balance != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	f.noted("credits.change account:1", "credits.change account:1", "credits.change account:1")
}

func TestAudit_Filtered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range []string{"a", "b"} {
		if _, err := f.CreateKey(t.Context(), f.who, newKey(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.DeleteKey(t.Context(), f.who, 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in   admin.AuditFilter
		want int
	}{
		{admin.AuditFilter{}, 4},
		{admin.AuditFilter{Actor: "cli"}, 1},
		{admin.AuditFilter{Action: "key.create"}, 2},
		{admin.AuditFilter{Target: "key:1"}, 2},
		{admin.AuditFilter{Target: "key:1", Action: "key.delete"}, 1},
		{admin.AuditFilter{Actor: "nobody"}, 0},
	} {
		if p, err := f.Audit(t.Context(), f.who, c.in); err != nil || len(p.Data) != c.want {
			t.Errorf("%+v: %d entries, %v", c.in, len(p.Data), err)
		}
	}
	page, err := f.Audit(t.Context(), f.who, admin.AuditFilter{Paging: admin.Paging{Limit: 1}})
	if err != nil || page.Data[0].Action != "key.delete" {
		t.Fatalf("%+v, %v", page, err)
	}
	next, err := f.Audit(t.Context(), f.who, admin.AuditFilter{Paging: admin.Paging{Limit: 1, Cursor: page.Next}})
	if err != nil || next.Data[0].Action != "key.create" || next.Data[0].Target != "key:2" {
		t.Errorf("%+v, %v", next, err)
	}
}

func TestUsage_ByKeyAndDay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range []string{"a", "b"} {
		if _, err := f.CreateKey(t.Context(), f.who, newKey(name)); err != nil {
			t.Fatal(err)
		}
	}
	f.exec(
		`INSERT INTO key_usage (key_id, day, calls, messages, last_used) SELECT 1, (now() AT TIME ZONE 'utc')::date - back, 2, 3, now() FROM ` +
			`unnest(ARRAY[0, 29, 30]) AS t(back)`,
	)
	v, err := f.Usage(t.Context(), f.who, admin.Paging{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	k := v.Data[0]
	if len(v.Data) != 1 || v.Next == "" || k.CallsToday != 2 || k.MessagesToday != 3 || k.Calls != 4 || k.Messages != 6 ||
		k.LastUsed == nil ||
		time.Since(*k.LastUsed) > time.Minute {
		t.Errorf("%+v", v)
	}
	if len(v.Days) != 30 || v.Days[0].Calls != 2 || v.Days[1].Messages != 0 || v.Days[29].Messages != 3 {
		t.Errorf("days %+v", v.Days)
	}
	if v, err := f.Usage(t.Context(), f.stranger, admin.Paging{}); err != nil || len(v.Data) != 0 || len(v.Days) != 30 {
		t.Errorf("%+v, %v", v, err)
	}
}
