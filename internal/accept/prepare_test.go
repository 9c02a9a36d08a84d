package accept

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// A send_at that has passed means now, unless the dialect bounds how long ago.
func TestTimes_SendAtThatHasPassed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		ago, grace time.Duration
		refused    bool
	}{
		"native":       {ago: 24 * time.Hour},
		"now":          {grace: time.Minute},
		"within grace": {ago: time.Minute, grace: time.Minute},
		"beyond it":    {ago: time.Minute + time.Second, grace: time.Minute, refused: true},
	} {
		var faults dispatch.Faults
		p := &prepared{}
		p.Message = &dispatch.Message{}
		times(&dispatch.Draft{SendAt: now.Add(-c.ago), SendGrace: c.grace}, p, now, &faults)
		if refused := faults.Err() != nil; refused != c.refused || !p.SendAt.IsZero() {
			t.Errorf("%s: %v, to be sent at %v", name, faults, p.SendAt)
		}
	}
}

type draft = dispatch.Draft

// Each fault names its field, and all faults of a draft are reported at once.
func TestPrepare_Faults(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.template(t, "hello", "utility")
	list, err := f.accounts.CreateList(t.Context(), f.who.Account.ID, "List", "")
	must(t, err)
	now := time.Now()
	const invalid = dispatch.Invalid
	entry := raw(`{"to":"+15550000009","type":"text","text":{"body":"x"}}`)
	for name, c := range map[string]struct {
		change func(d *draft)
		code   dispatch.Code
		want   []string
	}{
		"fine":           {func(d *draft) { d.Metadata, d.Reference = raw(`{"a":1}`), strings.Repeat("é", maxReference) }, "", nil},
		"no number":      {func(d *draft) { d.To = "12" }, invalid, []string{"/to"}},
		"no channel":     {func(d *draft) { d.Channel = "nothing" }, dispatch.ChannelNotFound, []string{"/channel"}},
		"other kind":     {func(d *draft) { d.Kind = "whatsapp" }, dispatch.ChannelNotFound, []string{"/channel"}},
		"other provider": {func(d *draft) { d.Provider = "other" }, dispatch.ChannelNotFound, []string{"/channel"}},
		"other account":  {func(d *draft) { d.AccountSID = "AC0" }, dispatch.Unauthorized, nil},
		"no type":        {func(d *draft) { d.Content = dispatch.Content{} }, invalid, []string{"/type"}},
		"empty text":     {func(d *draft) { d.Content.Text = &dispatch.Text{} }, invalid, []string{"/text/body"}},
		"lane":           {func(d *draft) { d.Lane = "fast" }, invalid, []string{"/lane"}},
		"reference":      {func(d *draft) { d.Reference = xs(maxReference + 1) }, invalid, []string{"/reference"}},
		"metadata list":  {func(d *draft) { d.Metadata = raw(` [1]`) }, invalid, []string{"/metadata"}},
		"large metadata": {func(d *draft) { d.Metadata = raw(`{"a":"` + xs(maxMetadata) + `"}`) }, invalid, []string{"/metadata"}},
		"far":            {func(d *draft) { d.SendAt = now.Add(maxAhead + time.Hour) }, invalid, []string{"/send_at"}},
		"expired":        {func(d *draft) { d.ExpiresAt = now.Add(-time.Second) }, invalid, []string{"/expires_at"}},
		"expires before": {
			func(d *draft) { d.SendAt, d.ExpiresAt = now.Add(time.Hour), now.Add(time.Minute) }, invalid,
			[]string{"/expires_at"},
		},
		"both expiries":   {func(d *draft) { d.TTL, d.ExpiresAt = time.Hour, now.Add(time.Hour) }, invalid, []string{"/ttl_seconds"}},
		"long ttl":        {func(d *draft) { d.TTL = maxTTL + time.Second }, invalid, []string{"/ttl_seconds"}},
		"user":            {func(d *draft) { d.UserID = uuid.NewString() }, invalid, []string{"/user_id"}},
		"list":            {func(d *draft) { d.Contact = &dispatch.ContactSave{ListID: list.ID + 1} }, invalid, []string{"/contact/list_id"}},
		"list of account": {func(d *draft) { d.Contact = &dispatch.ContactSave{ListID: list.ID} }, "", nil},
		"contact name":    {func(d *draft) { d.Contact = &dispatch.ContactSave{Name: xs(maxName + 1)} }, invalid, []string{"/contact/name"}},
		"contact fields": {
			func(d *draft) { d.Contact = &dispatch.ContactSave{Fields: raw(`{"a":1e-20000}`)} }, invalid,
			[]string{"/contact/extra_fields"},
		},
		"fallback time": {func(d *draft) { d.FallbackAfter = time.Minute }, invalid, []string{"/fallback_after_seconds"}},
		"many fallbacks": {func(d *draft) {
			d.Fallback = []json.RawMessage{entry, entry, entry, entry, entry, entry}
		}, invalid, []string{"/fallback"}},
		"unsupported": {func(d *draft) {
			d.Content = dispatch.Content{Type: dispatch.TypeTemplate, Template: &dispatch.TemplateUse{Name: "hello"}}
		}, dispatch.UnsupportedType, []string{"/type"}},
		"unknown template": {
			func(d *draft) { *d = use("nothing"); d.Channel = f.whatsapp.Key }, dispatch.TemplateNotFound,
			[]string{"/template/name"},
		},
		"missing variable": {func(d *draft) { *d = use("hello"); d.Channel = f.whatsapp.Key }, invalid, []string{"/template/variables"}},
		"two faults":       {func(d *draft) { d.To, d.Lane = "12", "fast" }, invalid, []string{"/to", "/lane"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := text(1)
			d.Content.Text = &dispatch.Text{Body: "hi"}
			c.change(&d)
			_, err := f.prepare(t.Context(), f.who, &d, now, new(place))
			if c.code == "" {
				must(t, err)
				return
			}
			if err == nil || dispatch.CodeOf(err) != c.code {
				t.Fatalf("%v, want %s", err, c.code)
			}
			if d := cmp.Diff(c.want, fields(err)); d != "" {
				t.Errorf("fields (-want +got):\n%s", d)
			}
		})
	}
}

// xs returns a text of n characters.
func xs(n int) string { return strings.Repeat("x", n) }

// What a draft does not say comes from its lane, channel and template.
func TestPrepare_Defaults(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.template(t, "code", "authentication")
	f.sms.Policy.Price = map[string]int64{"": 7}
	_, err := f.accounts.UpdateChannel(t.Context(), f.sms)
	must(t, err)
	f.who.Account.Credits = true
	d := text(1)
	d.Content.Text = &dispatch.Text{Body: xs(161)} // two segments
	p, err := f.prepare(t.Context(), f.who, &d, time.Now(), new(place))
	must(t, err)
	if p.Channel != f.sms.ID || p.Lane != dispatch.Normal || p.TTL != dispatch.Normal.TTL() || p.Segments != 2 ||
		p.Price != 14 || !p.Charge || p.NeedsWindow {
		t.Errorf("a text by SMS: %+v, %+v", p.Message, p.NewMessage)
	}
	d = text(1)
	d.Channel = f.whatsapp.Key
	if p, err = f.prepare(t.Context(), f.who, &d, time.Now(), new(place)); err != nil || !p.NeedsWindow || p.Segments != 0 {
		t.Errorf("a text by WhatsApp: %+v, %v", p, err)
	}
	f.who.Key.Test = true
	d = use("code", "123456")
	d.Channel = f.whatsapp.Key
	p, err = f.prepare(t.Context(), f.who, &d, time.Now(), new(place))
	if err != nil || p.Lane != dispatch.OTP || p.TTL != dispatch.OTP.TTL() ||
		p.NeedsWindow || p.Charge || p.template == 0 {
		t.Errorf("a one-time password of a test key: %+v, %v", p, err)
	}
	if d.Content.Template.TemplateID != 0 {
		t.Error("the draft's template was changed")
	}
}

// Content is stored as it is sent on: without escapes that only HTML needs.
func TestStored_KeepsMarkup(t *testing.T) {
	t.Parallel()
	got, err := stored(&dispatch.Content{Type: dispatch.TypeText, Text: &dispatch.Text{Body: "a<b & c>d"}})
	if want := `{"type":"text","text":{"body":"a<b & c>d"}}`; err != nil || got != want {
		t.Errorf("%q, want %q (%v)", got, want, err)
	}
}

// A key sends to the countries and the content that it allows.
func TestCaller_Limits(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.who.Key.Countries = []string{"US"}
	d := text(1)
	d.To = "+491701234567"
	if r := f.one(t, d); dispatch.CodeOf(r.Err) != dispatch.CountryNotAllowed {
		t.Errorf("another country: %v", r.Err)
	}
	d.To = "+12025550123"
	if r := f.one(t, d); r.Err != nil {
		t.Errorf("its country: %v", r.Err)
	}
	only, err := auth.ParsePermissions([]string{"send_text"})
	must(t, err)
	f.who.Permissions = only
	must(t, f.who.RequireFor(page(1, 2)))
	err = f.who.RequireFor([]dispatch.Draft{text(1), use("hello")})
	if e := dispatch.AsError(err); e.Code != dispatch.Forbidden || e.Reason != "send_template" {
		t.Errorf("a template: %v", err)
	}
}

// The entries of a fallback are checked with their message, faults name the
// entry, and they are stored as they came.
func TestFallback(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	send := func(after time.Duration, entries ...string) (*prepared, error) {
		d := text(1)
		d.FallbackAfter = after
		for _, e := range entries {
			d.Fallback = append(d.Fallback, raw(e))
		}
		return f.prepare(t.Context(), f.who, &d, time.Now(), new(place))
	}
	const plain = `{"type":"text","text":{"body":"x"}}` // to the parent's recipient
	p, err := send(time.Minute, plain, `{"to":"+15550000009","type":"text","text":{"body":"y"}}`)
	must(t, err)
	if want := `[` + plain + `,{"to":"+15550000009","type":"text","text":{"body":"y"}}]`; p.Fallback != want ||
		p.FallbackAfter != time.Minute {
		t.Errorf("stored %s after %v, want %s", p.Fallback, p.FallbackAfter, want)
	}
	_, err = send(
		0,
		plain,
		`{"to":"1","type":"text","text":{"body":""}}`,
		`{"type":"text","text":{"body":"x"},"fallback":[`+plain+`]}`,
		`{`,
	)
	want := []string{"/fallback/1/to", "/fallback/1/text/body", "/fallback/2/fallback", "/fallback/3"}
	if d := cmp.Diff(want, fields(err)); d != "" {
		t.Errorf("fields (-want +got):\n%s%v", d, err)
	}
	only, err := auth.ParsePermissions([]string{"send_text"})
	must(t, err)
	f.who.Permissions = only
	if _, err := send(0, `{"type":"image","image":{"link":"https://example.com/a.png"}}`); dispatch.CodeOf(err) != dispatch.Forbidden {
		t.Errorf("an entry that the key may not send: %v", err)
	}
	d := text(1)
	d.Parent, d.Fallback = uuid.New(), []json.RawMessage{raw(`{"to":"1"}`)} // checked with its parent
	if p, err = f.prepare(t.Context(), f.who, &d, time.Now(), new(place)); err != nil || p.Fallback != `[{"to":"1"}]` {
		t.Errorf("a child's fallback: %+v, %v", p, err)
	}
}

func TestOwnID(t *testing.T) {
	t.Parallel()
	id := dispatch.NewID()
	for in, want := range map[string]struct {
		id   dispatch.ID
		sure bool
	}{
		id.String():            {id, false},
		"wamid." + id.String(): {id, true},
		"wamid.HBgLMTU1NTAwMDAwMDEVAgARGBI5QTNDQTVCM0Q0": {dispatch.NoID, false},
		"{" + id.String() + "}":                          {dispatch.NoID, false},
		"urn:uuid:" + id.String():                        {dispatch.NoID, false},
		strings.ReplaceAll(id.String(), "-", "_"):        {dispatch.NoID, false},
		"": {dispatch.NoID, false},
	} {
		if got, sure := ownID(in); got != want.id || sure != want.sure {
			t.Errorf("%q: %v, %t", in, got, sure)
		}
	}
}
