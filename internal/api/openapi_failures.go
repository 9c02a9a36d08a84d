package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// failing is a refusal of the pipeline that a client may meet.
type failing struct {
	name, when string
	err        *dispatch.Error
	of         failingOf
}

// failingOf says which routes can end so.
type failingOf int

const (
	everyRoute failingOf = iota
	everySend
	freeSend // of a format that sends more than templates
	everyRead
)

func fails(code dispatch.Code, reason string) *dispatch.Error {
	return &dispatch.Error{Code: code, Reason: reason}
}

// failings lists them in the order of reading. What each looks like is asked of
// the dialect, so that the description can't differ from it.
var failings = []failing{
	{"invalid", "A field is missing or not acceptable.", dispatch.InvalidField("/to", "not a phone number: too short for country code +1"), everySend},
	{"variable_missing", "A template's variable is missing, or one is too many.", dispatch.InvalidField("/template/variables/total", `variable "total" is missing`), everySend},
	{"template_not_approved", "The template is not approved.", &dispatch.Error{
		Code: dispatch.Invalid, Reason: "template_not_approved", Msg: `template "pickup" is paused; only approved templates can be sent`,
		Faults: dispatch.Faults{{Field: "/template/name", Msg: `template "pickup" is paused; only approved templates can be sent`}},
	}, everySend},
	{"malformed", "The body can't be read.", dispatch.Errorf(dispatch.Malformed, "the request body is not valid JSON"), everySend},
	{"too_large", "The body is larger than 1 MiB.", fails(dispatch.TooLarge, ""), everySend},
	{"outside_window", "The recipient has not written in the last 24 hours.", fails(dispatch.OutsideWindow, ""), freeSend},
	{"suppressed", "The recipient has opted out.", fails(dispatch.Suppressed, ""), everySend},
	{"low_balance", "The account's credits are used up.", fails(dispatch.LowBalance, ""), everySend},
	{"key_missing", "There is no key in the request.", fails(dispatch.Unauthorized, "missing"), everyRoute},
	{"key_unknown", "The key is not known, or deleted.", fails(dispatch.Unauthorized, "unknown"), everyRoute},
	{"key_inactive", "The key, or its account, is switched off.", fails(dispatch.Unauthorized, "inactive"), everyRoute},
	{"key_expired", "The key has expired.", fails(dispatch.Unauthorized, "expired"), everyRoute},
	{"forbidden", "The key lacks the permission to send that.", fails(dispatch.Forbidden, "send_template"), everySend},
	{"forbidden", "The key lacks the permission to look.", fails(dispatch.Forbidden, "view_messages"), everyRead},
	{"country_not_allowed", "The key may not send to that country.", fails(dispatch.CountryNotAllowed, ""), everySend},
	{"channel_not_found", "The channel is not there, or another account's.", fails(dispatch.ChannelNotFound, ""), everySend},
	{"channel_kind", "The channel is of another kind or provider.", fails(dispatch.ChannelNotFound, "kind"), everySend},
	{"template_not_found", "The template is not there, or not in that language.", dispatch.Errorf(dispatch.TemplateNotFound, "no template pickup for this channel"), everySend},
	{"in_progress", "The first request with this Idempotency-Key is still running.", fails(dispatch.InProgress, ""), everySend},
	{"key_reused", "This Idempotency-Key was used with another request.", fails(dispatch.KeyReused, ""), everySend},
	{"rate_limited", "The key's limit per second or minute is used up, or its messages to the recipient for the hour.", fails(dispatch.RateLimited, ""), everyRoute},
	{"daily_limited", "The key's limit for the day is used up.", fails(dispatch.DailyLimited, ""), everyRoute},
	{"overloaded", "The service is busy; repeat the request.", fails(dispatch.Overloaded, ""), everyRoute},
	{"internal", "Our fault; repeat the request.", fails(dispatch.Internal, ""), everyRoute},
}

// failure is a refusal as a dialect answers it.
type failure struct {
	Name, When string
	Status     int
	Body       string // JSON
}

// failures lists how a route of a dialect can refuse. free: it sends more than
// templates.
func failures(d *dialect.Dialect, rt *dialect.Route, free bool) []failure {
	r := sampleRequest(rt)
	var out []failure
	add := func(name, when string, rep dialect.Reply) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if enc.Encode(rep.Body) == nil {
			out = append(out, failure{name, when, rep.Status, strings.TrimSpace(b.String())})
		}
	}
	for _, f := range failings {
		switch {
		case f.of == everySend && rt.Read != nil, f.of == freeSend && (rt.Read != nil || !free):
		case f.of == everyRead && (rt.Read == nil || rt.Permission == ""):
		case f.err.Code == dispatch.Forbidden && rt.Permission != "":
			add(f.name, f.when, d.Reject(r, fails(dispatch.Forbidden, rt.Permission)))
		default:
			add(f.name, f.when, d.Reject(r, f.err))
		}
	}
	if rt.Read != nil && (strings.HasSuffix(rt.Path, ":uuid") || strings.HasSuffix(rt.Path, ":message")) {
		rep, err := rt.Read(context.Background(), nowhere{}, dialect.Account{SID: r.PathValue("sid")}, r)
		if err != nil {
			rep = d.Reject(r, err)
		}
		add("not_found", "The message is not there, or another account's.", rep)
	}
	return out
}

// samples are values of the paths' parameters.
var samples = map[string]string{
	"sid": "AC0123456789abcdef0123456789abcdef", "phone": "+15550002222", "version": "v25.0", "phone_number_id": "106540352242922",
	"uuid": exampleID, "message": "SM" + strings.ReplaceAll(exampleID, "-", "") + ".json",
}

// sampleRequest is a request to a route without a body.
func sampleRequest(rt *dialect.Route) *http.Request {
	r := &http.Request{Method: rt.Method, Header: http.Header{}, URL: &url.URL{}}
	r.URL.Path = echoParam.ReplaceAllStringFunc(rt.Path, func(p string) string {
		r.SetPathValue(p[1:], samples[p[1:]])
		return samples[p[1:]]
	})
	return r
}

// failureAnswers describes the refusals, by status.
func failureAnswers(d *dialect.Dialect, rt *dialect.Route, doc dialectDoc) map[int]answerDoc {
	out := map[int]answerDoc{}
	for _, f := range failures(d, rt, doc.free) {
		a, known := out[f.Status]
		if !known {
			a = answerDoc{body: doc.failure, text: http.StatusText(f.Status), examples: map[string]*huma.Example{}}
		}
		a.examples[f.Name] = &huma.Example{Summary: f.When, Value: json.RawMessage(f.Body)}
		out[f.Status] = a
	}
	return out
}

// nowhere is a Reader that finds nothing.
type nowhere struct{}

var _ dialect.Reader = nowhere{}

// Message finds none.
func (nowhere) Message(context.Context, int64, dispatch.ID) (dispatch.View, error) {
	return dispatch.View{}, dispatch.Errorf(dispatch.NotFound, "not found")
}

// Messages finds none.
func (nowhere) Messages(context.Context, int64, dispatch.Filter) (dispatch.ViewPage, error) {
	return dispatch.ViewPage{}, nil
}

// Templates finds none.
func (nowhere) Templates(context.Context, int64) ([]template.Template, error) { return nil, nil }

// Users finds none.
func (nowhere) Users(context.Context, int64) ([]dispatch.User, error) { return nil, nil }
