package admin_test

import (
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/operate"
	"github.com/sendoff/sendoff/internal/store/pg"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
	"github.com/sendoff/sendoff/internal/storetest"
)

// After a rotation the new key alone opens every secret, and a second run finds
// nothing to do.
func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, cli.Run)
	p.EmulatedAt("http://127.0.0.1:1")
	db := storetest.Open(t, p.URL, 1)
	hooks := hookstore.New(db, nil)
	if _, err := hooks.CreateWebhook(t.Context(), hookstore.Endpoint{
		Account: 1, URL: "https://example.com", Format: "standard",
		Secret: "whsec_x",
	}); err != nil {
		t.Fatal(err)
	}
	token, err := hooks.StatusCallbackToken(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	people := erasure.New(db)
	if _, err := people.CreateErasure(t.Context(), 1, "+15550000100"); err != nil {
		t.Fatal(err)
	}
	const next = "another secret key for tests only"
	run := func(keys string) clitest.Result {
		return p.Run.Do("", "secrets", "rotate", "--json", "--postgres-url", p.URL, "--secret-key", keys)
	}
	counts := func(r clitest.Result) string {
		t.Helper()
		var out []string
		for _, k := range clitest.Read[struct{ Data []operate.Rotated }](t, r).Data {
			out = append(out, strings.Join([]string{k.Kind, string(rune('0' + k.Rotated)), string(rune('0' + k.Current))}, " "))
		}
		return strings.Join(out, ", ")
	}
	if r := run(next); r.Code != 1 || !strings.Contains(r.Err, "4 secrets can't be read") {
		t.Errorf("without the old key: code %d, %s%s", r.Code, r.Out, r.Err)
	}
	if got := counts(run(next + "," + clitest.SecretKey)); got != "channels 1 0, webhooks 1 0, twilio_tokens 1 0, erasure_keys 1 0" {
		t.Errorf("first run: %s", got)
	}
	if got := counts(run(next)); got != "channels 0 1, webhooks 0 1, twilio_tokens 0 1, erasure_keys 0 1" {
		t.Errorf("second run, without the old key: %s", got)
	}
	box, err := pg.NewBox(next)
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := pg.Open(pg.Options{URL: p.URL, MaxConns: 1, Application: "test", Box: box})
	if err != nil {
		t.Fatal(err)
	}
	defer rotated.Close()
	if got, err := hookstore.New(rotated, nil).StatusCallbackToken(t.Context(), 1); err != nil || got != token {
		t.Errorf("token %q, %v; want %q", got, err, token)
	}
	if got, err := erasure.Erased(t.Context(), rotated, 1, []string{"+15550000100"}); err != nil || !got["+15550000100"] {
		t.Errorf("an erased person is not recognised: %v, %v", got, err)
	}
}
