package admin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// values returns settings or secrets of pairs.
func values(pairs ...string) map[string]*string {
	out := map[string]*string{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = &pairs[i+1]
	}
	return out
}

// metaChannel is the smallest input of a channel of Meta.
func metaChannel() admin.ChannelCreate {
	return admin.ChannelCreate{Provider: "meta", ChannelFields: admin.ChannelFields{
		Name: new(
			"WhatsApp",
		), Sender: new("+1 555 000 2222"), Settings: values("phone_number_id", "106540352242922"), Secrets: values("access_token", "hidden-1",
			"app_secret", "hidden-2"),
	}}
}

func smsChannel(sender string) admin.ChannelCreate {
	return admin.ChannelCreate{Provider: "kaleyra", Kind: "sms", ChannelFields: admin.ChannelFields{
		Name: new("SMS"), Sender: &sender, Settings: values("sid", "HX1"), Secrets: values("api_key", "hidden-3"),
	}}
}

func (f *fixture) createChannel(in admin.ChannelCreate) *admin.Channel {
	f.t.Helper()
	ch, err := f.CreateChannel(f.t.Context(), f.who, in)
	if err != nil {
		f.t.Fatal(err)
	}
	return ch
}

func TestCreateChannel_Defaults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ch := f.createChannel(metaChannel())
	if ch.Kind != "whatsapp" || ch.Sender != "+15550002222" || !ch.Default || !ch.Enabled || ch.Window != "enforce" ||
		ch.Policy.Rate != 80 ||
		ch.Health.State != "closed" ||
		ch.SendRate != nil {
		t.Errorf("created %+v", ch)
	}
	if len(ch.VerifyToken) != 64 || fmt.Sprint(ch.Secrets) != "[access_token app_secret verify_token]" ||
		ch.CallbackURL != public+"/callbacks/meta/"+ch.Key ||
		!strings.HasPrefix(ch.Key, "ch_") {
		t.Errorf("created %+v", ch)
	}
	if shown, err := f.Channel(t.Context(), f.who, ch.ID); err != nil || shown.VerifyToken != "" {
		t.Errorf("shown %+v, %v", shown, err)
	}
	own := metaChannel()
	own.Secrets["verify_token"] = new("mine")
	if ch = f.createChannel(own); ch.VerifyToken != "" || ch.Default {
		t.Errorf("a token that was given is shown: %+v", ch)
	}
	sms := f.createChannel(smsChannel("SENDOF"))
	if sms.Settings["sms_type"] != "TXN" || len(sms.CallbackURL) != len(public+"/callbacks/kaleyra//")+len(sms.Key)+64 {
		t.Errorf("created %+v", sms)
	}
	if shown, err := f.Channel(t.Context(), f.who, sms.ID); err != nil || !strings.HasSuffix(shown.CallbackURL, "/{callback_secret}") {
		t.Errorf("shown %+v, %v", shown, err)
	}
	if revealed, err := f.RevealChannel(t.Context(), f.who, sms.ID); err != nil || revealed.CallbackURL != sms.CallbackURL {
		t.Errorf("revealed %+v, %v", revealed, err)
	}
	f.noted("channel.create channel:1", "channel.create channel:2", "channel.create channel:3", "channel.reveal channel:3")
	if n := f.count(`audit_log WHERE detail::text LIKE '%hidden-%'`); n != 0 {
		t.Error("the audit log contains credentials")
	}
}

// The characters that Twilio documents for alphanumeric senders, and at least
// one letter.
func TestChannel_Sender(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, good := range []string{"AT&T", "a", "A+B-C_D E&F", "12345678", "123", "+15550001111", "15550001111", "ABCDEFGHIJK", " ACME "} {
		if ch := f.createChannel(smsChannel(good)); ch.Sender != strings.TrimSpace(good) && ch.Sender != "+15550001111" {
			t.Errorf("%q is stored as %q", good, ch.Sender)
		}
	}
	for _, bad := range []string{"---", "+ &_-", "12", "ABCDEFGHIJKL", "A.B", "Ä", "A\tB", "", "+1555000111x"} {
		_, err := f.CreateChannel(t.Context(), f.who, smsChannel(bad))
		refused(t, err, dispatch.Invalid, "/sender")
	}
	whatsApp := metaChannel()
	for _, bad := range []string{"ACME", "12345"} {
		whatsApp.Sender = &bad
		_, err := f.CreateChannel(t.Context(), f.who, whatsApp)
		refused(t, err, dispatch.Invalid, "/sender")
	}
}

func TestCreateChannel_Faults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.CreateChannel(t.Context(), f.who, admin.ChannelCreate{})
	refused(t, err, dispatch.Invalid, "/provider", "/name", "/sender")
	_, err = f.CreateChannel(
		t.Context(),
		f.who,
		admin.ChannelCreate{Provider: "carrier-pigeon", ChannelFields: admin.ChannelFields{Name: new("x"), Sender: new("+15550001111")}},
	)
	refused(t, err, dispatch.Invalid, "/provider")
	for at, change := range map[string]func(*admin.ChannelCreate){
		"/kind":                     func(in *admin.ChannelCreate) { in.Kind = "sms" },
		"/key":                      func(in *admin.ChannelCreate) { in.Key = "1abc" },
		"/enabled":                  func(in *admin.ChannelCreate) { in.Enabled = new(false) },
		"/window":                   func(in *admin.ChannelCreate) { in.Window = new("always") },
		"/settings/phone_number_id": func(in *admin.ChannelCreate) { in.Settings["phone_number_id"] = new("+1555") },
		"/settings/base_url":        func(in *admin.ChannelCreate) { in.Settings["base_url"] = new("file:///etc/passwd") },
		"/settings/colour":          func(in *admin.ChannelCreate) { in.Settings["colour"] = new("red") },
		"/secrets/app_secret":       func(in *admin.ChannelCreate) { delete(in.Secrets, "app_secret") },
		"/policy/rate":              func(in *admin.ChannelCreate) { in.Policy = &admin.PolicyUpdate{Rate: new(0.0)} },
	} {
		in := metaChannel()
		change(&in)
		_, err := f.CreateChannel(t.Context(), f.who, in)
		refused(t, err, dispatch.Invalid, at)
	}
	in := metaChannel()
	in.Key = "mine"
	f.createChannel(in)
	_, err = f.CreateChannel(t.Context(), f.who, in)
	refused(t, err, dispatch.Conflict)
	_, err = f.CreateChannel(t.Context(), f.stranger, in) // does not learn whose it is
	refused(t, err, dispatch.Invalid, "/key")
}

func TestUpdateChannel_Policy(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.createChannel(metaChannel())
	update := func(p admin.PolicyUpdate) (*admin.Channel, error) {
		return f.UpdateChannel(t.Context(), f.who, before.ID, admin.ChannelUpdate{ChannelFields: admin.ChannelFields{Policy: &p}})
	}
	ch, err := update(admin.PolicyUpdate{
		Rate: new(
			0.5,
		), MaxAge: new(7200.0), BackoffBase: new(1.0), BackoffCap: new(60.0), ResolveWindow: &admin.ResolveWindows{OTP: new(5.0)},
		UnknownRetries: &admin.UnknownRetries{Bulk: new(2)}, Price: map[string]input.Credits{"default": 10_000, "marketing": 50_000},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := ch.Policy
	if p.Rate != 0.5 || p.MaxAge != 7200 || p.BackoffBase != 1 || p.BackoffCap != 60 || p.Concurrency != before.Policy.Concurrency {
		t.Errorf("policy %+v", p)
	}
	if p.ResolveWindow != (admin.ByLane[float64]{OTP: 5, Normal: 60, Bulk: 900}) ||
		p.UnknownRetries != (admin.ByLane[int]{OTP: 1, Normal: 1, Bulk: 2}) {
		t.Errorf("policy %+v", p)
	}
	if fmt.Sprint(p.Price) != "map[default:0.01 marketing:0.05]" {
		t.Errorf("prices %v", p.Price)
	}
	if ch, err = update(admin.PolicyUpdate{Price: map[string]input.Credits{"utility": 1}}); err != nil ||
		fmt.Sprint(ch.Policy.Price) != "map[utility:0.000001]" {
		t.Errorf("prices %v, %v", ch.Policy.Price, err)
	}
	_, err = update(admin.PolicyUpdate{BackoffBase: new(61.0)})
	refused(t, err, dispatch.Invalid, "/policy/backoff_cap_s")
	_, err = update(
		admin.PolicyUpdate{
			Price:         map[string]input.Credits{"gold": 1, "default": -1},
			Concurrency:   new(0),
			ResolveWindow: &admin.ResolveWindows{Bulk: new(86401.0)},
		},
	)
	refused(t, err, dispatch.Invalid, "/policy/price/gold", "/policy/price/default", "/policy/concurrency", "/policy/resolve_window_s/bulk")
}

func TestUpdateChannel_SettingsAndSecrets(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := metaChannel()
	in.Settings["waba_id"] = new("102290129340398")
	ch := f.createChannel(in)
	set := func(fields admin.ChannelFields) (*admin.Channel, error) {
		return f.UpdateChannel(t.Context(), f.who, ch.ID, admin.ChannelUpdate{ChannelFields: fields})
	}
	got, err := set(
		admin.ChannelFields{
			Settings: map[string]*string{"waba_id": nil, "version": new("v24.0")},
			Secrets:  values("access_token", "hidden-9"),
		},
	)
	if err != nil || fmt.Sprint(got.Settings) != "map[phone_number_id:106540352242922 version:v24.0]" || len(got.Secrets) != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = set(
		admin.ChannelFields{
			Settings: map[string]*string{"phone_number_id": nil},
			Secrets:  map[string]*string{"app_secret": nil, "apikey": new("x")},
		},
	)
	refused(t, err, dispatch.Invalid, "/settings/phone_number_id", "/secrets/app_secret", "/secrets/apikey")
	for _, on := range []bool{false, true} {
		if got, err = set(admin.ChannelFields{Enabled: &on}); err != nil || got.Enabled != on {
			t.Errorf("%+v, %v", got, err)
		}
	}
	f.noted("channel.create channel:1", "channel.update channel:1", "channel.disable channel:1", "channel.enable channel:1")
	_, err = f.UpdateChannel(t.Context(), f.stranger, ch.ID, admin.ChannelUpdate{})
	refused(t, err, dispatch.NotFound)
}

func TestChannel_CallbackSecret_Rotation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ch := f.createChannel(smsChannel("SENDOF"))
	turned, err := f.RotateCallback(t.Context(), f.who, ch.ID, admin.Rotate{})
	if err != nil || turned.CallbackURL == ch.CallbackURL || turned.OldUntil == nil || time.Until(*turned.OldUntil) < 23*time.Hour {
		t.Errorf("%+v, %v", turned, err)
	}
	own := strings.Repeat("s", 32)
	turned, err = f.UpdateChannel(
		t.Context(),
		f.who,
		ch.ID,
		admin.ChannelUpdate{ChannelFields: admin.ChannelFields{Secrets: values("callback_secret", own)}, Overlap: new(0)},
	)
	if err != nil || !strings.HasSuffix(turned.CallbackURL, "/"+own) || turned.OldUntil != nil {
		t.Errorf("%+v, %v", turned, err)
	}
	_, err = f.RotateCallback(t.Context(), f.who, ch.ID, admin.Rotate{Overlap: new(-1)})
	refused(t, err, dispatch.Invalid, "/overlap_seconds")
	meta := f.createChannel(metaChannel())
	_, err = f.RotateCallback(t.Context(), f.who, meta.ID, admin.Rotate{})
	refused(t, err, dispatch.Conflict)
}

func TestChannel_PausedAndResumed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Rates = func(_ context.Context, _ int64, configured float64) (float64, time.Time, error) {
		return configured / 2, time.Unix(2_000_000_000, 0), nil
	}
	ch := f.createChannel(metaChannel())
	if r := ch.SendRate; r == nil || r.Configured != 80 || r.Effective != 40 || r.BlockedUntil.Unix() != 2_000_000_000 {
		t.Errorf("rate %+v", r)
	}
	paused, err := f.PauseChannel(t.Context(), f.who, ch.ID, admin.Pause{})
	if err != nil || paused.Health.State != "paused" || paused.Health.Reason != "paused by hand" || paused.Health.ChangedAt == nil {
		t.Errorf("%+v, %v", paused, err)
	}
	f.createChannel(smsChannel("SENDOF"))
	if all, err := f.Channels(t.Context(), f.who, admin.Paging{}); err != nil || all.Data[0].Health.State != "paused" ||
		all.Data[1].Health.State != "closed" {
		t.Errorf("%+v, %v", all, err)
	}
	if resumed, err := f.ResumeChannel(t.Context(), f.who, ch.ID); err != nil || resumed.Health.State != "closed" {
		t.Errorf("%+v, %v", resumed, err)
	}
	_, err = f.PauseChannel(t.Context(), f.who, ch.ID, admin.Pause{Reason: strings.Repeat("x", 201)})
	refused(t, err, dispatch.Invalid, "/reason")
	_, err = f.PauseChannel(t.Context(), f.stranger, ch.ID, admin.Pause{})
	refused(t, err, dispatch.NotFound)
	f.Rates = func(context.Context, int64, float64) (float64, time.Time, error) {
		return 0, time.Time{}, errors.New("redis is odd")
	}
	if _, err := f.Channel(t.Context(), f.who, ch.ID); dispatch.CodeOf(err) != dispatch.Internal {
		t.Errorf("got %v", err)
	}
}

func TestDeleteChannel_And_FindChannel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ch := f.createChannel(metaChannel())
	for _, ref := range []string{ch.Key, "1"} {
		if id, err := f.FindChannel(t.Context(), f.who, ref); err != nil || id != ch.ID {
			t.Errorf("%s: %d, %v", ref, id, err)
		}
		_, err := f.FindChannel(t.Context(), f.stranger, ref)
		refused(t, err, dispatch.NotFound)
	}
	refused(t, f.DeleteChannel(t.Context(), f.stranger, ch.ID), dispatch.NotFound)
	f.exec(
		`INSERT INTO scheduled (message_id, account_id, channel_id, lane, due_at, expires_at) VALUES (gen_random_uuid(), 1, 1, 1, now() + ` +
			`interval '1 day', now() + interval '2 days')`,
	)
	refused(t, f.DeleteChannel(t.Context(), f.who, ch.ID), dispatch.Conflict)
	f.exec(`DELETE FROM scheduled`)
	if err := f.DeleteChannel(t.Context(), f.who, ch.ID); err != nil {
		t.Error(err)
	}
	f.noted("channel.create channel:1", "channel.delete channel:1")
}

// vendor answers in place of a provider's client.
type vendor struct {
	provider.Provider
	err error
}

// Check answers with the error.
func (v *vendor) Check(context.Context, *dispatch.Channel) error { return v.err }

func TestCheckChannel_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ch := f.createChannel(metaChannel())
	v := &vendor{Provider: f.Providers["meta"]}
	f.Providers["meta"] = v
	for _, c := range []struct {
		err          error
		problem, fix string
	}{
		{nil, "", ""},
		{
			&provider.Error{Kind: provider.Denied, HTTP: 401, Provider: "190", Msg: "token hidden-1 is bad"}, "HTTP 401 190, token *** is bad",
			"sendoff channel update 1",
		},
		{&provider.Error{Kind: provider.Throttled, Msg: "slow down"}, "slow down", "try again later"},
		{errors.New("no route to host"), "no route to host", "HTTPS_PROXY"},
	} {
		v.err = c.err
		got, err := f.CheckChannel(t.Context(), f.who, ch.ID, time.Second)
		if err != nil || got.About != "meta whatsapp +15550002222" || (c.problem == "") != (got.Problem == "") ||
			!strings.Contains(got.Fix, c.fix) ||
			strings.Contains(got.Problem, "hidden-1") {
			t.Errorf("%v: %+v, %v", c.err, got, err)
		}
	}
	_, err := f.CheckChannel(t.Context(), f.stranger, ch.ID, time.Second)
	refused(t, err, dispatch.NotFound)
	if got := admin.Check(t.Context(), nil, &dispatch.Channel{Provider: "acme"}, time.Second); got.Problem != "unknown provider" ||
		!strings.Contains(got.Fix, "install") {
		t.Errorf("%+v", got)
	}
}
