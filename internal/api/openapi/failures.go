package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// failing is a refusal of the pipeline.
type failing struct {
	name, when string
	err        *dispatch.Error
	of         failingOf
}

// failingOf is the kind of route that can refuse for a reason.
type failingOf int

const (
	everyRoute failingOf = iota
	everySend
	freeSend // of a dialect that sends more than templates
	everyRead
)

func fails(code dispatch.Code, reason string) *dispatch.Error {
	return &dispatch.Error{Code: code, Reason: reason}
}

// failings lists the refusals in reading order. Their responses are built by the
// dialect itself, so that the description cannot differ from it.
var failings = []failing{
	{
		"invalid", "A field is missing or invalid.",
		dispatch.InvalidField("/to", "not a phone number: too short for country code +1"), everySend,
	},
	{
		"variable_missing", "A variable of the template is missing or surplus.",
		dispatch.InvalidField("/template/variables/total", `variable "total" is missing`), everySend,
	},
	{"template_not_approved", "The template is not approved.", &dispatch.Error{
		Code: dispatch.Invalid, Reason: "template_not_approved", Msg: `template "pickup" is paused; only approved templates can be sent`,
		Faults: dispatch.Faults{{Field: "/template/name", Msg: `template "pickup" is paused; only approved templates can be sent`}},
	}, everySend},
	{"malformed", "The body cannot be parsed.", dispatch.Errorf(dispatch.Malformed, "the request body is not valid JSON"), everySend},
	{"too_large", "The body is larger than 1 MiB.", fails(dispatch.TooLarge, ""), everySend},
	{"outside_window", "The recipient has not written in the last 24 hours.", fails(dispatch.OutsideWindow, ""), freeSend},
	{"suppressed", "The recipient has opted out.", fails(dispatch.Suppressed, ""), everySend},
	{"low_balance", "The account has not enough credits.", fails(dispatch.LowBalance, ""), everySend},
	{"key_missing", "The request has no API key.", fails(dispatch.Unauthorized, "missing"), everyRoute},
	{"key_unknown", "The key does not exist or was deleted.", fails(dispatch.Unauthorized, "unknown"), everyRoute},
	{"key_inactive", "The key or its account is disabled.", fails(dispatch.Unauthorized, "inactive"), everyRoute},
	{"key_expired", "The key has expired.", fails(dispatch.Unauthorized, "expired"), everyRoute},
	{"forbidden", "The key lacks the permission for this content.", fails(dispatch.Forbidden, "send_template"), everySend},
	{"forbidden", "The key lacks the permission to read.", fails(dispatch.Forbidden, "view_messages"), everyRead},
	{"country_not_allowed", "The key may not send to the recipient's country.", fails(dispatch.CountryNotAllowed, ""), everySend},
	{"channel_not_found", "The channel does not exist, or belongs to another account.", fails(dispatch.ChannelNotFound, ""), everySend},
	{"channel_kind", "The channel has another kind or provider.", fails(dispatch.ChannelNotFound, "kind"), everySend},
	{
		"template_not_found", "The template does not exist, or not in this language.",
		dispatch.Errorf(dispatch.TemplateNotFound, "no template pickup for this channel"), everySend,
	},
	{"in_progress", "The first request with this Idempotency-Key is still running.", fails(dispatch.InProgress, ""), everySend},
	{"key_reused", "This Idempotency-Key was used with another request.", fails(dispatch.KeyReused, ""), everySend},
	{
		"rate_limited", "The key's limit per second or minute is exceeded, or its hourly limit of messages to the recipient.",
		fails(dispatch.RateLimited, ""), everyRoute,
	},
	{"daily_limited", "The key's daily limit is exceeded.", fails(dispatch.DailyLimited, ""), everyRoute},
	{"overloaded", "The service is busy; repeat the request.", fails(dispatch.Overloaded, ""), everyRoute},
	{"internal", "An error on our side; repeat the request.", fails(dispatch.Internal, ""), everyRoute},
}

// failure is a refusal as a dialect answers it.
type failure struct {
	Name, When string
	Status     int
	Body       string // JSON
}

// failures lists how a route of a dialect can refuse a request.
func failures(d *dialect.Dialect, rt *dialect.Route) []failure {
	r := d.SampleRequest(rt)
	var out []failure
	for i := range failings {
		f := &failings[i]
		if !f.meets(d, rt) {
			continue
		}
		err := f.err
		if err.Code == dispatch.Forbidden && rt.Permission != "" {
			err = fails(dispatch.Forbidden, rt.Permission)
		}
		out = append(out, newFailure(f.name, f.when, d.Reject(r, err)))
	}
	if rt.Doc.OneMessage {
		rep := d.Reject(r, dispatch.Errorf(dispatch.NotFound, "not found"))
		if rt.Read != nil {
			found, err := rt.Read(context.Background(), nowhere{}, dialect.Account{SID: r.PathValue("sid")}, r)
			if err == nil {
				rep = found
			}
		}
		out = append(out, newFailure("not_found", "The message does not exist, or belongs to another account.", rep))
	}
	return out
}

// meets reports whether a route can refuse a request for this reason.
func (f *failing) meets(d *dialect.Dialect, rt *dialect.Route) bool {
	reads := rt.Read != nil
	switch f.of {
	case everySend:
		return !reads && rt.Change == nil
	case freeSend:
		return !reads && rt.Change == nil && d.Doc.AnyContent
	case everyRead:
		return reads && rt.Permission != ""
	}
	return true
}

func newFailure(name, when string, rep dialect.Reply) failure {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(rep.Body); err != nil { // a body without a JSON form is a fault of the dialect
		panic(fmt.Errorf("refusal %s: %w", name, err))
	}
	return failure{name, when, rep.Status, strings.TrimSpace(b.String())}
}

// failureResponses describes the refusals of a route by status.
func failureResponses(d *dialect.Dialect, rt *dialect.Route) map[int]apidoc.Response {
	out := map[int]apidoc.Response{}
	for _, f := range failures(d, rt) {
		a, known := out[f.Status]
		if !known {
			a = apidoc.Response{Type: d.Doc.Failure, Examples: map[string]apidoc.Example{}}
		}
		a.Examples[f.Name] = apidoc.Example{Summary: f.When, Value: f.Body}
		out[f.Status] = a
	}
	return out
}

// nowhere is a dialect.Reader without data.
type nowhere struct{}

var _ dialect.Reader = nowhere{}

// Message returns dispatch.NotFound.
func (nowhere) Message(context.Context, int64, dispatch.ID) (dispatch.View, error) {
	return dispatch.View{}, dispatch.Errorf(dispatch.NotFound, "not found")
}

// Messages returns nothing.
func (nowhere) Messages(context.Context, int64, dispatch.Filter) (dispatch.ViewPage, error) {
	return dispatch.ViewPage{}, nil
}

// Templates returns nothing.
func (nowhere) Templates(context.Context, int64) ([]template.Template, error) { return nil, nil }

// Channels returns nothing.
func (nowhere) Channels(context.Context, int64) ([]*dispatch.Channel, error) { return nil, nil }

// Profile returns nothing.
func (nowhere) Profile(context.Context, int64) (dialect.Profile, error) {
	return dialect.Profile{}, nil
}

// Users returns nothing.
func (nowhere) Users(context.Context, int64) ([]dispatch.User, error) { return nil, nil }
