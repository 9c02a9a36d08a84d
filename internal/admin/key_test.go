package admin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// newKey is the smallest input of a key.
func newKey(name string) admin.KeyCreate {
	return admin.KeyCreate{KeyUpdate: admin.KeyUpdate{Name: &name, Permissions: &[]string{"send_text"}}}
}

func TestCreateKey_Defaults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	k, err := f.CreateKey(t.Context(), f.who, newKey("orders"))
	if err != nil {
		t.Fatal(err)
	}
	if test, ok := auth.Parse(k.Key); !ok || test || !strings.HasPrefix(k.Key, k.Prefix) {
		t.Errorf("secret %q, prefix %q", k.Key, k.Prefix)
	}
	if k.PerSecond != 10 || k.PerMinute != 60 || k.PerDay != 10_000 || !k.Active || k.Test || k.PerRecipientHour != nil ||
		k.ExpiresAt != nil ||
		k.Countries == nil ||
		len(k.Countries) != 0 {
		t.Errorf("defaults %+v", k)
	}
	if k.Limits.Send != (admin.KeyRates{PerSecond: 10, PerMinute: 60, PerDay: 10_000}) ||
		k.Limits.Read != (admin.KeyRates{PerSecond: 100, PerMinute: 600, PerDay: 100_000}) {
		t.Errorf("limits %+v", k.Limits)
	}
	if k.Limits.PerRecipient != (admin.RecipientLimits{OTP: 5}) || k.Location() != fmt.Sprintf("/v1/keys/%d", k.ID) {
		t.Errorf("limits %+v, %s", k.Limits, k.Location())
	}
	shown, err := f.Key(t.Context(), f.who, k.ID)
	if err != nil || shown.Key != "" {
		t.Errorf("the secret is shown again: %+v, %v", shown, err)
	}
	test := newKey("test")
	test.Test = true
	if k, err = f.CreateKey(t.Context(), f.who, test); err != nil || !strings.HasPrefix(k.Key, "sk_test_") || !k.Test {
		t.Errorf("%+v, %v", k, err)
	}
}

func TestKey_PerRecipientHour_ZeroIsNoLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := newKey("k")
	for _, c := range []struct {
		given input.Optional[int]
		want  admin.RecipientLimits
	}{
		{input.Optional[int]{}, admin.RecipientLimits{OTP: 5}},
		{input.Null[int](), admin.RecipientLimits{OTP: 5}},
		{input.Some(0), admin.RecipientLimits{}},
		{input.Some(3), admin.RecipientLimits{OTP: 3, Other: 3}},
	} {
		in.PerRecipientHour = c.given
		if k, err := f.CreateKey(t.Context(), f.who, in); err != nil || k.Limits.PerRecipient != c.want {
			t.Errorf("%+v: %+v, %v", c.given, k, err)
		}
	}
	in.PerRecipientHour = input.Some(-1)
	_, err := f.CreateKey(t.Context(), f.who, in)
	refused(t, err, dispatch.Invalid, "/per_recipient_hour")
}

func TestUpdateKey_ChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := newKey("orders")
	in.Countries, in.ExpiresAt, in.Description = &[]string{"de", "DE", "IN"}, input.Some(time.Now().Add(time.Hour)), new("d")
	k, err := f.CreateKey(t.Context(), f.who, in)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(k.Countries) != "[DE IN]" || k.ExpiresAt == nil || k.ExpiresAt.Location() != time.UTC {
		t.Errorf("created %+v", k)
	}
	changed, err := f.UpdateKey(t.Context(), f.who, k.ID, admin.KeyUpdate{PerSecond: new(3)})
	if err != nil || changed.PerSecond != 3 || changed.Name != "orders" || fmt.Sprint(changed.Countries) != "[DE IN]" ||
		changed.Description != "d" ||
		!changed.ExpiresAt.Equal(*k.ExpiresAt) {
		t.Errorf("changed %+v, %v", changed, err)
	}
	changed, err = f.UpdateKey(
		t.Context(),
		f.who,
		k.ID,
		admin.KeyUpdate{Countries: &[]string{}, ExpiresAt: input.Null[time.Time](), Permissions: &[]string{"manage", "send_text"}},
	)
	if err != nil || len(changed.Countries) != 0 || changed.ExpiresAt != nil || fmt.Sprint(changed.Permissions) != "[send_text manage]" {
		t.Errorf("changed %+v, %v", changed, err)
	}
}

func TestKey_Faults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.CreateKey(t.Context(), f.who, admin.KeyCreate{})
	refused(t, err, dispatch.Invalid, "/name", "/permissions")
	k, err := f.CreateKey(t.Context(), f.who, newKey("k"))
	if err != nil {
		t.Fatal(err)
	}
	for at, in := range map[string]admin.KeyUpdate{
		"/name":          {Name: new(" ")},
		"/permissions":   {Permissions: &[]string{}},
		"/permissions/0": {Permissions: &[]string{"everything"}},
		"/countries/1":   {Countries: &[]string{"IN", "XX"}},
		"/expires_at":    {ExpiresAt: input.Some(time.Now().Add(-time.Second))},
		"/daily_limit":   {PerDay: new(0)},
	} {
		_, err := f.UpdateKey(t.Context(), f.who, k.ID, in)
		refused(t, err, dispatch.Invalid, at)
	}
	_, err = f.UpdateKey(t.Context(), f.who, k.ID, admin.KeyUpdate{ExpiresAt: input.Some(time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC))})
	refused(t, err, dispatch.Invalid, "/expires_at")
	if after, err := f.Key(t.Context(), f.who, k.ID); err != nil || after.Name != "k" || fmt.Sprint(after.Permissions) != "[send_text]" {
		t.Errorf("a refused change had an effect: %+v, %v", after, err)
	}
	f.noted("key.create key:1")
}

func TestRotateKey_OldSecretForTheOverlap(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	k, err := f.CreateKey(t.Context(), f.who, newKey("k"))
	if err != nil {
		t.Fatal(err)
	}
	turned, err := f.RotateKey(t.Context(), f.who, k.ID, admin.Rotate{})
	if err != nil || turned.Key == k.Key || turned.OldUntil == nil || time.Until(*turned.OldUntil) < 23*time.Hour ||
		time.Until(*turned.OldUntil) > 24*time.Hour {
		t.Errorf("rotated %+v, %v", turned, err)
	}
	turned, err = f.RotateKey(t.Context(), f.who, k.ID, admin.Rotate{Overlap: new(0)})
	if err != nil || turned.OldUntil != nil {
		t.Errorf("rotated %+v, %v", turned, err)
	}
	for _, n := range []int{-1, 30*24*3600 + 1} {
		_, err = f.RotateKey(t.Context(), f.who, k.ID, admin.Rotate{Overlap: &n})
		refused(t, err, dispatch.Invalid, "/overlap_seconds")
	}
	f.noted("key.create key:1", "key.rotate key:1", "key.rotate key:1")
}

// A change of nothing but whether a key is active has a name of its own.
func TestKey_AuditNamesTheSwitch(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if _, err := f.CreateKey(t.Context(), f.who, newKey("k")); err != nil {
		t.Fatal(err)
	}
	for _, in := range []admin.KeyUpdate{{Active: new(false)}, {Active: new(true)}, {Active: new(false), Name: new("n")}, {}} {
		if _, err := f.UpdateKey(t.Context(), f.who, 1, in); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.DeleteKey(t.Context(), f.who, 1); err != nil {
		t.Fatal(err)
	}
	f.noted("key.create key:1", "key.disable key:1", "key.enable key:1", "key.update key:1", "key.update key:1", "key.delete key:1")
}

func TestKeys_OfAnotherAccount_AreNotFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if _, err := f.CreateKey(t.Context(), f.who, newKey("k")); err != nil {
		t.Fatal(err)
	}
	_, err := f.Key(t.Context(), f.stranger, 1)
	refused(t, err, dispatch.NotFound)
	_, err = f.UpdateKey(t.Context(), f.stranger, 1, admin.KeyUpdate{Name: new("x")})
	refused(t, err, dispatch.NotFound)
	_, err = f.RotateKey(t.Context(), f.stranger, 1, admin.Rotate{})
	refused(t, err, dispatch.NotFound)
	refused(t, f.DeleteKey(t.Context(), f.stranger, 1), dispatch.NotFound)
	if p, err := f.Keys(t.Context(), f.stranger, admin.Paging{}); err != nil || len(p.Data) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if n := f.count("audit_log WHERE account_id = 2 AND actor = 'key:7'"); n != 0 {
		t.Errorf("%d entries of what was refused", n)
	}
}

func TestKeys_ArePaged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 5 {
		if _, err := f.CreateKey(t.Context(), f.who, newKey(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	for p := (admin.Paging{Limit: 2}); ; {
		page, err := f.Keys(t.Context(), f.who, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page.Data {
			seen = append(seen, k.Name)
		}
		if p.Cursor = page.Next; p.Cursor == "" {
			break
		}
	}
	if strings.Join(seen, "") != "01234" {
		t.Errorf("seen %v", seen)
	}
	if all, err := f.Keys(t.Context(), f.who, admin.Paging{}); err != nil || len(all.Data) != 5 || all.Next != "" {
		t.Errorf("%d of all, next %q, %v", len(all.Data), all.Next, err)
	}
	for _, cursor := range []string{"x", "dg", "djA", "dng", "dgA", "v1"} {
		_, err := f.Keys(t.Context(), f.who, admin.Paging{Limit: 2, Cursor: cursor})
		refused(t, err, dispatch.Invalid, "/cursor")
	}
}

// The change and its audit entry are made both, or neither.
func TestChange_WithoutItsAuditEntry_IsNotMade(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	changes := 0
	f.Changed = func() { changes++ }
	f.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the log is full'; END $$`,
		`CREATE TRIGGER full_log BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse()`)
	if _, err := f.CreateKey(t.Context(), f.who, newKey("k")); dispatch.CodeOf(err) != dispatch.Internal {
		t.Errorf("got %v", err)
	}
	if n := f.count("api_keys"); n != 0 || changes != 1 {
		t.Errorf("%d keys, %d changes announced", n, changes) // its outcome could be unknown: it counts as a change
	}
}
