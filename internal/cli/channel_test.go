package cli

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
)

const (
	token     = "EAAB-the-access-token"
	appSecret = "0123456789abcdef-app-secret"
)

var createMetaArgs = []string{"channel", "create", "meta", "--sender", "+1 555 000 2222", "--phone-number-id", "106540352242922", "--waba-id", "102290129340398"}

// mustHide checks that nothing that was printed or noted holds a credential.
func (p *place) mustHide(rs ...result) {
	p.t.Helper()
	var said strings.Builder
	said.WriteString(strings.Join(p.audited(), "\n"))
	for _, r := range rs {
		said.WriteString(r.out + r.errOut)
	}
	for _, secret := range []string{token, appSecret, testSecretKey} {
		if strings.Contains(said.String(), secret) {
			p.t.Errorf("%q was shown", secret)
		}
	}
}

func (p *place) channel(id int64) dispatch.Channel {
	p.t.Helper()
	ch, err := p.open().Channel(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return ch
}

func TestChannelCreateMeta_SecretsFromStdin(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	r := p.ok(token+"\n"+appSecret+"\n", append(createMetaArgs, "--public-url", "https://send.example.com/")...)
	ch := p.channel(1)
	if ch.Secrets["access_token"] != token || ch.Secrets["app_secret"] != appSecret || len(ch.Secrets["verify_token"]) != 64 {
		t.Errorf("secrets are not what was typed: %d of them", len(ch.Secrets))
	}
	if ch.Sender != "+15550002222" || ch.Settings["phone_number_id"] != "106540352242922" || !ch.Default || !ch.Enabled || ch.Policy.Rate != 80 {
		t.Errorf("made %+v", ch)
	}
	for _, want := range []string{"https://send.example.com/callbacks/meta/" + ch.Key, ch.Secrets["verify_token"], "sendoff channel check 1", "sendoff template sync --channel 1"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("the answer does not say %q:\n%s", want, r.out)
		}
	}
	p.mustHide(r, p.ok("", "channel", "list"), p.ok("", "channel", "show", ch.Key, "--json"), p.ok("", "channel", "show", "1", "--reveal"))
	p.refuse(1, "has no channel 9", "channel", "show", "9")
}

func TestChannelCreateMeta_SecretsFromFiles(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	r := p.ok("", append(createMetaArgs, "--access-token-file", file(token+"\n"), "--app-secret-file", file(appSecret), "--verify-token-file", file("mine"), "--json")...)
	if v := read[channelView](t, r); v.VerifyToken != "mine" || !strings.HasPrefix(v.CallbackURL, "http://127.0.0.1:8080/callbacks/meta/ch_") {
		t.Errorf("got %+v", v)
	}
	if p.channel(1).Secrets["access_token"] != token {
		t.Error("the token is not the file's")
	}
	p.mustHide(r)
	p.do("", append(createMetaArgs, "--access-token-file", file(""))...).mustFail(t, 1, "access_token must be one line")
}

func TestChannelCreateMeta_SecretsFromEnvironment(t *testing.T) {
	p := newPlace(t)
	t.Setenv("SENDOFF_META_ACCESS_TOKEN", token)
	t.Setenv("SENDOFF_META_APP_SECRET", appSecret)
	r := p.ok("", createMetaArgs...)
	if ch := p.channel(1); ch.Secrets["access_token"] != token || ch.Secrets["app_secret"] != appSecret {
		t.Error("the secrets are not the environment's")
	}
	p.mustHide(r)
}

func TestChannelCreate_Refusals(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.do("", createMetaArgs...).mustFail(t, 1, "SENDOFF_META_ACCESS_TOKEN")
	p.do("", append(createMetaArgs, "--access-token", token)...).mustFail(t, 2, "unknown flag")
	p.refuse(2, "--sender", "channel", "create", "meta", "--sender", "Acme", "--phone-number-id", "1", "--waba-id", "2")
	p.refuse(2, "--phone-number-id", "channel", "create", "meta", "--sender", "+15550002222", "--phone-number-id", "+1555", "--waba-id", "2")
	p.refuse(2, "AC and 32 hex digits", "channel", "create", "twilio", "--sender", "+15550002222", "--account-sid", "AC1")
	sendoff("", append(createMetaArgs, "--postgres-url", p.url)...).mustFail(t, 2, "SENDOFF_SECRET_KEY")
}

func TestChannelCreate_OtherProviders(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	sid := "AC" + strings.Repeat("0a", 16)
	p.ok("tok\n", "channel", "create", "twilio", "--sender", "+15550003333", "--account-sid", sid)
	p.ok("tok\nkeysecret\n", "channel", "create", "twilio", "--kind", "whatsapp", "--sender", "+15550004444", "--account-sid", sid, "--api-key-sid", "SK"+sid[2:])
	g := read[channelView](t, p.ok("gkey\n", "channel", "create", "gupshup", "--sender", "+919999900000", "--app-name", "App", "--json"))
	k := read[channelView](t, p.ok("kkey\n", "channel", "create", "kaleyra", "--kind", "sms", "--sender", "SENDOF", "--sid", "HX1", "--json"))
	if p.channel(2).Secrets["api_key_secret"] != "keysecret" {
		t.Error("the API key's secret is missing")
	}
	for _, v := range []channelView{g, k} {
		secret := p.channel(v.ID).Secrets["callback_secret"]
		if len(secret) != 64 || !strings.HasSuffix(v.CallbackURL, "/"+v.Key+"/"+secret) {
			t.Errorf("%s: callback address %s", v.Provider, v.CallbackURL)
		}
		if r := p.ok("", "channel", "show", id(v.ID)); strings.Contains(r.out, secret) || !strings.Contains(r.out, "/***") {
			t.Errorf("%s: shown without --reveal: %s", v.Provider, r.out)
		}
	}
	old := p.channel(k.ID).Secrets["callback_secret"]
	r := p.ok("", "channel", "update", id(k.ID), "--rotate-callback-secret")
	turned := p.channel(k.ID)
	if now := turned.Secrets["callback_secret"]; now == old || !strings.Contains(r.out, now) {
		t.Error("the callback secret was not rotated")
	}
	if left := time.Until(turned.OldCallbackUntil); turned.OldCallback != old || left < 23*time.Hour || !strings.Contains(r.out, "works until") {
		t.Errorf("the old one works for %s: %s", left, r.out)
	}
	p.ok("", "channel", "update", id(k.ID), "--rotate-callback-secret", "--overlap", "0s")
	if _, ok := new(p.channel(k.ID)).BeforeRotation(time.Now()); ok {
		t.Error("without an overlap the old one works on")
	}
	p.refuse(2, "signs its callbacks", "channel", "update", "1", "--rotate-callback-secret")
}

func TestChannelUpdate_ChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(token+"\n"+appSecret+"\n", createMetaArgs...)
	p.ok("new-token\n", "channel", "update", "1", "--name", "Main", "--rate", "50", "--price", "marketing=0.05", "--price", "default=0.01", "--set", "version=v24.0", "--secret", "access_token")
	ch := p.channel(1)
	if ch.Name != "Main" || ch.Policy.Rate != 50 || ch.Policy.Price["marketing"] != 50_000 || ch.Policy.Price[""] != 10_000 || ch.Settings["version"] != "v24.0" ||
		ch.Secrets["access_token"] != "new-token" || ch.Secrets["app_secret"] != appSecret || ch.Policy.Concurrency != 100 {
		t.Errorf("got %+v", ch)
	}
	p.refuse(2, "nothing to change", "channel", "update", "1")
	p.refuse(2, `no setting "colour"`, "channel", "update", "1", "--set", "colour=red")
	p.refuse(2, `no secret "apikey"`, "channel", "update", "1", "--secret", "apikey")
	p.refuse(2, "takes a name only", "channel", "update", "1", "--secret", "access_token="+token)
	p.ok("", "channel", "disable", "1")
	if p.channel(1).Enabled {
		t.Error("a disabled channel is enabled")
	}
	p.ok("", "channel", "enable", "1")
	if r := p.ok("", "channel", "pause", "1", "--reason", "test", "--json"); read[channelView](t, r).Circuit.State != "paused" {
		t.Error(r.out)
	}
	if r := p.ok("", "channel", "resume", "1", "--json"); read[channelView](t, r).Circuit.State != "closed" {
		t.Error(r.out)
	}
	p.ok("", "channel", "delete", "1", "--yes")
	p.mustAudit("account.create account:1", "channel.create channel:1", "channel.update channel:1", "channel.disable channel:1", "channel.enable channel:1",
		"channel.pause channel:1", "channel.resume channel:1", "channel.delete channel:1")
	p.mustHide()
}

func TestChannelUpdate_Policy(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(token+"\n"+appSecret+"\n", createMetaArgs...)
	r := p.ok("", "channel", "update", "1", "--rate", "0.5", "--concurrency", "7", "--max-attempts", "3", "--max-age", "2h", "--backoff-base", "1s", "--backoff-cap", "1m", "--recipient-spacing", "6s",
		"--resolve-window", "otp=5s", "--resolve-window", "bulk=30m", "--unknown-retries", "normal=2", "--price", "default=1")
	want := dispatch.DefaultPolicy("meta")
	want.Rate, want.Concurrency, want.MaxAttempts, want.MaxAge, want.BackoffBase, want.BackoffCap, want.RecipientSpacing = 0.5, 7, 3, 2*time.Hour, time.Second, time.Minute, 6*time.Second
	want.ResolveWindow[dispatch.OTP], want.ResolveWindow[dispatch.Bulk], want.UnknownRetries[dispatch.Normal], want.Price = 5*time.Second, 30*time.Minute, 2, map[string]int64{"": 1_000_000}
	if got := p.channel(1).Policy; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !strings.Contains(r.out, "rate, concurrency, max-attempts, max-age, backoff-base, backoff-cap, recipient-spacing, resolve-window otp, resolve-window bulk, unknown-retries normal, price default") {
		t.Error(r.out)
	}
	for _, wrong := range [][]string{
		{"--rate", "0"},
		{"--concurrency", "10001"},
		{"--max-age", "1000h"},
		{"--backoff-cap", "10ms"},
		{"--resolve-window", "otp"},
		{"--resolve-window", "fast=1s"},
		{"--resolve-window", "otp=soon"},
		{"--unknown-retries", "otp=11"},
	} {
		p.refuse(2, wrong[0], append([]string{"channel", "update", "1"}, wrong...)...)
	}
	p.ok("", "channel", "update", "1", "--max-age", "0s", "--recipient-spacing", "0s")
	if got := p.channel(1).Policy; got.MaxAge != 0 || got.RecipientSpacing != 0 {
		t.Errorf("got %+v", got)
	}
}

// emulated starts an emulator that knows the place's first channel.
func (p *place) emulated() { p.t.Helper(); p.emulatedAt("http://127.0.0.1:1") }

// emulatedAt is emulated, with callbacks to a front door.
func (p *place) emulatedAt(public string) {
	p.t.Helper()
	em := emulator.New(emulator.Options{})
	srv := httptest.NewServer(em)
	p.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = em.Close(ctx)
		srv.CloseClientConnections()
		srv.Close()
	})
	p.ok(token+"\n"+appSecret+"\n", append(createMetaArgs, "--base-url", srv.URL)...)
	ch := p.channel(1)
	ch.Settings["callback_url"] = public + "/callbacks/meta/" + ch.Key
	em.Register(&ch)
}

func TestChannelCheckAndTemplateSync_AskTheProvider(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.emulated()
	good := p.ok("", "channel", "check", "1")
	counts := read[map[string]int](t, p.ok("", "template", "sync", "--channel", "1", "--json"))
	if counts["made"] == 0 {
		t.Errorf("synced %v", counts)
	}
	p.ok("EAAB-wrong\n", "channel", "update", "1", "--secret", "access_token")
	bad := p.do("", "channel", "check", "1", "--json")
	if f := read[finding](t, bad); bad.code != 1 || f.OK || !strings.Contains(f.Fix, "sendoff channel update 1") || strings.Contains(bad.out, "EAAB-wrong") {
		t.Errorf("code %d: %s", bad.code, bad.out)
	}
	p.refuse(1, "sendoff channel update 1", "template", "sync", "--channel", "1")
	p.mustHide(good, bad)
}
