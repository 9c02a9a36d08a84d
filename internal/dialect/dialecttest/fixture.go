package dialecttest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// SID is the sid of the account that sends.
const SID = "AC0123456789abcdef0123456789abcdef"

// secret must not appear in any answer.
const secret = "pq: relation messages does not exist"

var created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fixture is what reads find: the account's messages, templates and users.
type fixture struct{}

// Messages in the fixture, by the last digit of their id.
var views = map[int]dispatch.View{
	1: {
		Status: dispatch.Read, Type: dispatch.TypeTemplate, ChannelKind: "whatsapp", Reference: "my-order-123",
		Content: json.RawMessage(`{"type":"template","template":{"name":"order_confirmation","language":{"code":"en"}}}`),
		SentAt:  at(1), DeliveredAt: at(2), ReadAt: at(3),
	},
	2: {
		Status: dispatch.Failed, Type: dispatch.TypeText, ChannelKind: "sms", SentAt: at(1), FailedAt: at(2), Segments: 2, Price: "0.0075",
		Content: json.RawMessage(`{"type":"text","text":{"body":"Hello"}}`),
		Error:   &dispatch.ViewError{Code: dispatch.FailUndelivered, ProviderCode: "30003", Message: "the handset can't be reached"},
	},
	3: {
		Status: dispatch.Failed, Type: dispatch.TypeImage, ChannelKind: "whatsapp", FailedAt: at(1),
		Content: json.RawMessage(`{"type":"image","image":{"link":"https://example.com/a.jpg","caption":"Look"},` +
			`"more_media":[{"link":"https://example.com/b.jpg"}]}`),
		Error: &dispatch.ViewError{Code: dispatch.FailSuppressed, Message: "the recipient has opted out"},
	},
	4: {
		Status: dispatch.Expired, Type: dispatch.TypeText, ChannelKind: "sms", FailedAt: at(1),
		Error: &dispatch.ViewError{Code: dispatch.FailExpired, Message: "expired"},
	},
	5: {Status: dispatch.Cancelled, Type: dispatch.TypeText, ChannelKind: "sms"},
	6: {
		Status: dispatch.Unknown, Type: dispatch.TypeText, ChannelKind: "sms", MaybeSent: true,
		Error: &dispatch.ViewError{Code: dispatch.FailUnclear, Message: "may have arrived"},
	},
	7: {Status: dispatch.Scheduled, Type: dispatch.TypeText, ChannelKind: "sms", SendAt: at(86400)},
}

func at(seconds int) *time.Time { return new(created.Add(time.Duration(seconds) * time.Second)) }

// view returns message n of the fixture.
func view(n int) dispatch.View {
	v := views[n]
	v.ID, v.StatusName, v.Account, v.Channel, v.Sender, v.To, v.Recipient = id(n), v.Status.String(), 1, 1, "+15550002222",
		"+15550001111", "+15550001111"
	v.CreatedAt, v.UpdatedAt, v.Lane = created, created.Add(time.Minute), "normal"
	return v
}

// Message returns one of the account's messages.
func (fixture) Message(_ context.Context, _ int64, want dispatch.ID) (dispatch.View, error) {
	for n := range views {
		if id(n) == want {
			return view(n), nil
		}
	}
	return dispatch.View{}, dispatch.Errorf(dispatch.NotFound, "no such message")
}

// Messages returns them all, two on a page.
func (fixture) Messages(_ context.Context, _ int64, f dispatch.Filter) (dispatch.ViewPage, error) {
	switch {
	case f.Cursor == "broken":
		return dispatch.ViewPage{}, dispatch.InvalidField("/cursor", "is not one of ours")
	case f.Limit == 1000:
		return dispatch.ViewPage{Views: []dispatch.View{view(1), view(2), view(3), view(4), view(5), view(6), view(7)}}, nil
	case f.Cursor != "":
		return dispatch.ViewPage{Views: []dispatch.View{view(5)}}, nil
	}
	return dispatch.ViewPage{Views: []dispatch.View{view(1), view(2)}, Next: "next/1"}, nil
}

// Templates returns a positional template with names, a named one and one without variables.
func (fixture) Templates(context.Context, int64) ([]template.Template, error) {
	return []template.Template{
		{
			ID: 1, Name: "order_confirmation", Language: "en", Category: "utility", Status: "approved", ParameterFormat: "positional",
			Components: []template.Component{{
				Type: "BODY", Text: "Hi {{1}}, order {{2}}: {{3}}",
				Variables: []string{"customer_name", "order_id", "total"},
			}},
		},
		{
			ID: 2, Name: "pickup", Language: "en", Category: "utility", Status: "paused", ParameterFormat: "named",
			Components: []template.Component{
				{Type: "HEADER", Format: "TEXT", Text: "{{city}}"},
				{Type: "BODY", Text: "{{ name }} in {{city}}"},
			},
		},
		{
			ID: 3, Name: "auth1", Language: "en_US", Category: "authentication", Status: "approved", ParameterFormat: "positional",
			Components: []template.Component{
				{Type: "BODY", Text: "{{1}} is your code"},
				{Type: "BUTTONS", Buttons: []template.Button{{Type: "URL", Text: "Copy", URL: "https://example.com/{{1}}"}}},
			},
		},
		{
			ID: 4, Name: "hello_world", Language: "en", Category: "marketing", Status: "approved",
			Components: []template.Component{{Type: "BODY", Text: "Hello"}},
		},
	}, nil
}

// Users returns the team.
func (fixture) Users(context.Context, int64) ([]dispatch.User, error) {
	return []dispatch.User{{ID: "0198c0de-0000-7000-8000-0000000000aa", Name: "Ann", Email: "ann@example.com", Role: "owner"}}, nil
}

// Refusals names every error that the front door may ask a dialect to put into
// words.
func Refusals() map[string]error {
	hidden := errors.New(secret)
	out := map[string]error{
		"foreign error": hidden,
		"internal":      &dispatch.Error{Code: dispatch.Internal, Msg: "something went wrong on our side; try again", Err: hidden},
		"overloaded":    &dispatch.Error{Code: dispatch.Overloaded, Msg: "too busy; repeat the request", RetryAfter: 1, Err: hidden},
		"outcome unknown": &dispatch.Error{
			Code: dispatch.OutcomeUnknown, Err: hidden,
			Msg: "we don't know whether it was stored; repeat it with the same Idempotency-Key",
		},
		"several faults": &dispatch.Error{Code: dispatch.Invalid, Msg: "is required", Faults: dispatch.Faults{
			{Field: "/to", Msg: "not a phone number: too short"},
			{Field: "/template/variables/total", Msg: `variable "total" is missing`},
			{Field: "/template/variables/extra", Msg: `variable "extra" is not one of customer_name, order_id, total`},
		}},
		"invalid without fault": dispatch.Errorf(dispatch.Invalid, "the request is not valid"),
		"template not approved": &dispatch.Error{
			Code: dispatch.Invalid, Msg: `template "pickup" is paused; only approved templates can be sent`, Reason: "template_not_approved",
			Faults: dispatch.Faults{{Field: "/template/name", Msg: `template "pickup" is paused; only approved templates can be sent`}},
		},
		"forbidden": &dispatch.Error{Code: dispatch.Forbidden, Msg: "the key lacks a permission", Reason: "send_template"},
		"channel of another provider": &dispatch.Error{
			Code: dispatch.ChannelNotFound, Msg: "the channel belongs to another provider", Reason: "provider",
		},
		"channel of another kind": &dispatch.Error{Code: dispatch.ChannelNotFound, Msg: "the channel is no WhatsApp channel", Reason: "kind"},
	}
	for _, reason := range []string{"missing", "unknown", "inactive", "expired", "sid", ""} {
		out["unauthorized "+reason] = &dispatch.Error{Code: dispatch.Unauthorized, Msg: "no access", Reason: reason}
	}
	for _, field := range []string{
		"/to", "/channel", "/type", "/text/body", "/image/link", "/template", "/template/name", "/template/id", "/template/language",
		"/template/components", "/template/components/0/parameters", "/template/header_media_url", "/template/variables",
		"/template/variables/1", "/template/variables/body/1", "/send_at", "/ttl_seconds", "/reference", "/metadata",
		"/contact/list_id", "/contact/extra_fields", "/user_id",
	} {
		out["fault "+field] = dispatch.InvalidField(field, "is not acceptable")
	}
	for _, code := range []dispatch.Code{
		dispatch.Malformed, dispatch.NotFound, dispatch.ChannelNotFound, dispatch.TemplateNotFound, dispatch.ContactNotFound,
		dispatch.Conflict, dispatch.InProgress, dispatch.KeyReused, dispatch.UnsupportedType, dispatch.OutsideWindow, dispatch.Suppressed,
		dispatch.LowBalance, dispatch.TooLarge, dispatch.MethodNotAllowed, dispatch.UnsupportedMedia, dispatch.CountryNotAllowed,
	} {
		out["code "+string(code)] = dispatch.Errorf(code, "the pipeline's own words")
	}
	for _, code := range []dispatch.Code{dispatch.RateLimited, dispatch.DailyLimited} {
		out["code "+string(code)] = &dispatch.Error{Code: code, Msg: "the pipeline's own words", RetryAfter: 7}
	}
	return out
}

// Profile returns the account of fixtures.
func (fixture) Profile(context.Context, int64) (dialect.Profile, error) {
	return dialect.Profile{Name: "Acme", Balance: "12.5", Created: created}, nil
}

// Channels returns the channels of the account of fixtures.
func (fixture) Channels(context.Context, int64) ([]*dispatch.Channel, error) {
	return []*dispatch.Channel{{ID: 1, Name: "SMS", Kind: "sms", Sender: "+15550003333"}}, nil
}
