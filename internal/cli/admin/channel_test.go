package admin_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestChannelCreateMeta_SecretsFromStdin(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	r := p.OK(clitest.Token+"\n"+clitest.AppSecret+"\n", append(clitest.CreateMetaArgs, "--public-url", "https://send.example.com/")...)
	ch := p.Channel(1)
	if ch.Secrets["access_token"] != clitest.Token || ch.Secrets["app_secret"] != clitest.AppSecret ||
		len(ch.Secrets["verify_token"]) != 64 {
		t.Errorf("secrets are not what was typed: %d of them", len(ch.Secrets))
	}
	if ch.Sender != "+15550002222" || ch.Settings["phone_number_id"] != "106540352242922" || !ch.Default || !ch.Enabled ||
		ch.Policy.Rate != 80 {
		t.Errorf("made %+v", ch)
	}
	for _, want := range []string{
		"https://send.example.com/callbacks/meta/" + ch.Key, ch.Secrets["verify_token"], "sendoff channel check 1",
		"sendoff template sync --channel 1",
	} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("the answer does not say %q:\n%s", want, r.Out)
		}
	}
	p.MustHide(r, p.OK("", "channel", "list"), p.OK("", "channel", "show", ch.Key, "--json"), p.OK("", "channel", "show", "1", "--reveal"))
	p.Refuse(1, "has no channel 9", "channel", "show", "9")
}

func TestChannelCreateMeta_SecretsFromFiles(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	r := p.OK(
		"",
		append(
			clitest.CreateMetaArgs,
			"--access-token-file",
			file(clitest.Token+"\n"),
			"--app-secret-file",
			file(clitest.AppSecret),
			"--verify-token-file",
			file("mine"),
			"--json",
		)...,
	)
	if v := clitest.Read[admin.Channel](t, r); v.VerifyToken != "" || p.Channel(1).Secrets["verify_token"] != "mine" ||
		!strings.HasPrefix(v.CallbackURL, "http://127.0.0.1:8080/callbacks/meta/ch_") {
		t.Errorf("got %+v", v)
	}
	if p.Channel(1).Secrets["access_token"] != clitest.Token {
		t.Error("the clitest.Token is not the file's")
	}
	p.MustHide(r)
	p.Do("", append(clitest.CreateMetaArgs, "--access-token-file", file(""))...).MustFail(t, 1, "access_token must be one line")
}

func TestChannelCreateMeta_SecretsFromEnvironment(t *testing.T) {
	p := clitest.New(t, cli.Run)
	t.Setenv("SENDOFF_META_ACCESS_TOKEN", clitest.Token)
	t.Setenv("SENDOFF_META_APP_SECRET", clitest.AppSecret)
	r := p.OK("", clitest.CreateMetaArgs...)
	if ch := p.Channel(1); ch.Secrets["access_token"] != clitest.Token || ch.Secrets["app_secret"] != clitest.AppSecret {
		t.Error("the secrets are not the environment's")
	}
	p.MustHide(r)
}

func TestChannelCreate_Refusals(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.Do("", clitest.CreateMetaArgs...).MustFail(t, 2, "SENDOFF_META_ACCESS_TOKEN")
	p.Do("", append(clitest.CreateMetaArgs, "--access-clitest.Token", clitest.Token)...).MustFail(t, 2, "unknown flag")
	p.Refuse(2, "sender: ", "channel", "create", "meta", "--sender", "Acme", "--phone-number-id", "1", "--waba-id", "2")
	p.Refuse(
		2,
		"settings/phone_number_id: must be the digits",
		"channel",
		"create",
		"meta",
		"--sender",
		"+15550002222",
		"--phone-number-id",
		"+1555",
		"--waba-id",
		"2",
	)
	p.Refuse(2, "AC and 32 hex digits", "channel", "create", "twilio", "--sender", "+15550002222", "--account-sid", "AC1")
	clitest.Run(cli.Run).Do("", append(clitest.CreateMetaArgs, "--postgres-url", p.URL)...).MustFail(t, 2, "SENDOFF_SECRET_KEY")
}

func TestChannelCreate_OtherProviders(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	sid := "AC" + strings.Repeat("0a", 16)
	p.OK("tok\n", "channel", "create", "twilio", "--sender", "+15550003333", "--account-sid", sid)
	p.OK(
		"tok\nkeysecret\n",
		"channel",
		"create",
		"twilio",
		"--kind",
		"whatsapp",
		"--sender",
		"+15550004444",
		"--account-sid",
		sid,
		"--api-key-sid",
		"SK"+sid[2:],
	)
	g := clitest.Read[admin.Channel](
		t,
		p.OK("gkey\n", "channel", "create", "gupshup", "--sender", "+919999900000", "--app-name", "App", "--json"),
	)
	k := clitest.Read[admin.Channel](
		t,
		p.OK("kkey\n", "channel", "create", "kaleyra", "--kind", "sms", "--sender", "SENDOF", "--sid", "HX1", "--json"),
	)
	if p.Channel(2).Secrets["api_key_secret"] != "keysecret" {
		t.Error("the API key's secret is missing")
	}
	for _, v := range []admin.Channel{g, k} {
		secret := p.Channel(v.ID).Secrets["callback_secret"]
		if len(secret) != 64 || !strings.HasSuffix(v.CallbackURL, "/"+v.Key+"/"+secret) {
			t.Errorf("%s: callback address %s", v.Provider, v.CallbackURL)
		}
		if r := p.OK("", "channel", "show", fmt.Sprint(v.ID)); strings.Contains(r.Out, secret) ||
			!strings.Contains(r.Out, "/{callback_secret}") {
			t.Errorf("%s: shown without --reveal: %s", v.Provider, r.Out)
		}
	}
	old := p.Channel(k.ID).Secrets["callback_secret"]
	r := p.OK("", "channel", "update", fmt.Sprint(k.ID), "--rotate-callback-secret")
	turned := p.Channel(k.ID)
	if now := turned.Secrets["callback_secret"]; now == old || !strings.Contains(r.Out, now) {
		t.Error("the callback secret was not rotated")
	}
	if left := time.Until(turned.OldCallbacks[0].Until); turned.OldCallbacks[0].Secret != old || left < 23*time.Hour ||
		!strings.Contains(r.Out, "valid until") {
		t.Errorf("the old one works for %s: %s", left, r.Out)
	}
	p.OK("", "channel", "update", fmt.Sprint(k.ID), "--rotate-callback-secret", "--overlap", "0s")
	if before := new(p.Channel(k.ID)).BeforeRotation(time.Now()); len(before) > 0 {
		t.Error("without an overlap the old one works on")
	}
	p.Refuse(1, "signs its callbacks", "channel", "update", "1", "--rotate-callback-secret")
}

func TestChannelUpdate_ChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK(clitest.Token+"\n"+clitest.AppSecret+"\n", clitest.CreateMetaArgs...)
	p.OK(
		"new-token\n",
		"channel",
		"update",
		"1",
		"--name",
		"Main",
		"--rate",
		"50",
		"--price",
		"marketing=0.05",
		"--price",
		"default=0.01",
		"--set",
		"version=v24.0",
		"--secret",
		"access_token",
	)
	ch := p.Channel(1)
	if ch.Name != "Main" || ch.Policy.Rate != 50 || ch.Policy.Price["marketing"] != 50_000 || ch.Policy.Price[""] != 10_000 ||
		ch.Settings["version"] != "v24.0" ||
		ch.Secrets["access_token"] != "new-token" ||
		ch.Secrets["app_secret"] != clitest.AppSecret ||
		ch.Policy.Concurrency != 100 {
		t.Errorf("got %+v", ch)
	}
	p.Refuse(2, "nothing to change", "channel", "update", "1")
	p.Refuse(2, "settings/colour: is not known here", "channel", "update", "1", "--set", "colour=red")
	p.Do("x\n", "channel", "update", "1", "--secret", "apikey").MustFail(t, 2, "secrets/apikey: is not known here")
	p.Refuse(2, "takes only a name", "channel", "update", "1", "--secret", "access_token="+clitest.Token)
	p.OK("", "channel", "disable", "1")
	if p.Channel(1).Enabled {
		t.Error("a disabled channel is enabled")
	}
	p.OK("", "channel", "enable", "1")
	if r := p.OK("", "channel", "pause", "1", "--reason", "test", "--json"); clitest.Read[admin.Channel](t, r).Health.State != "paused" {
		t.Error(r.Out)
	}
	if r := p.OK("", "channel", "resume", "1", "--json"); clitest.Read[admin.Channel](t, r).Health.State != "closed" {
		t.Error(r.Out)
	}
	p.OK("", "channel", "delete", "1", "--yes")
	p.MustAudit(
		"account.create account:1",
		"channel.create channel:1",
		"channel.update channel:1",
		"channel.disable channel:1",
		"channel.enable channel:1",
		"channel.pause channel:1",
		"channel.resume channel:1",
		"channel.delete channel:1",
	)
	p.MustHide()
}

func TestChannelUpdate_Policy(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.OK(clitest.Token+"\n"+clitest.AppSecret+"\n", clitest.CreateMetaArgs...)
	r := p.OK(
		"",
		"channel",
		"update",
		"1",
		"--rate",
		"0.5",
		"--concurrency",
		"7",
		"--max-attempts",
		"3",
		"--max-age",
		"2h",
		"--backoff-base",
		"1s",
		"--backoff-cap",
		"1m",
		"--recipient-spacing",
		"6s",
		"--resolve-window",
		"otp=5s",
		"--resolve-window",
		"bulk=30m",
		"--unknown-retries",
		"normal=2",
		"--price",
		"default=1",
		"--portfolio",
		"main",
		"--messaging-limit",
		"2000",
		"--messaging-reserve",
		"0.2",
	)
	want := dispatch.DefaultPolicy()
	want.Rate, want.Concurrency, want.MaxAttempts, want.MaxAge, want.BackoffBase, want.BackoffCap, want.RecipientSpacing = 0.5, 7, 3,
		2*time.Hour, time.Second, time.Minute, 6*time.Second
	want.ResolveWindow[dispatch.OTP], want.ResolveWindow[dispatch.Bulk], want.UnknownRetries[dispatch.Normal], want.Price = 5*time.Second,
		30*time.Minute, 2, map[string]int64{
			"": 1_000_000,
		}
	want.Portfolio, want.MessagingLimit, want.MessagingReserve = "main", 2000, 0.2
	if got := p.Channel(1).Policy; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !strings.Contains(
		r.Out,
		"backoff_base_s, backoff_cap_s, concurrency, max_age_s, max_attempts, "+
			"messaging_limit, messaging_reserve, portfolio, price, rate, recipient_spacing_s, resolve_window_s, unknown_retries",
	) {
		t.Error(r.Out)
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
		p.Refuse(
			2,
			strings.ReplaceAll(
				strings.TrimPrefix(wrong[0], "--"),
				"-",
				map[bool]string{true: "-", false: "_"}[strings.HasPrefix(wrong[0], "--resolve")],
			),
			append([]string{"channel", "update", "1"}, wrong...)...,
		)
	}
	p.OK("", "channel", "update", "1", "--max-age", "0s", "--recipient-spacing", "0s")
	if got := p.Channel(1).Policy; got.MaxAge != 0 || got.RecipientSpacing != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestChannelCheckAndTemplateSync_AskTheProvider(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.Emulated()
	good := p.OK("", "channel", "check", "1")
	counts := clitest.Read[map[string]int](t, p.OK("", "template", "sync", "--channel", "1", "--json"))
	if counts["created"] == 0 {
		t.Errorf("synced %v", counts)
	}
	p.OK("EAAB-wrong\n", "channel", "update", "1", "--secret", "access_token")
	bad := p.Do("", "channel", "check", "1", "--json")
	if f := clitest.Read[console.Finding](t, bad); bad.Code != 1 || f.OK || !strings.Contains(f.Fix, "sendoff channel update 1") ||
		strings.Contains(bad.Out, "EAAB-wrong") {
		t.Errorf("code %d: %s", bad.Code, bad.Out)
	}
	p.Refuse(2, "sendoff channel update 1", "template", "sync", "--channel", "1")
	p.MustHide(good, bad)
}
