package twilio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

// judge is a transport that holds requests and answers to Twilio's own
// OpenAPI description.
type judge struct {
	router routers.Router
	next   http.RoundTripper
	faults []error
}

func newJudge(t *testing.T) *judge {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(providertest.Contract(t, "twilio-messages.with-errors-for-mock.openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &judge{router: router, next: http.DefaultTransport}
}

func (j *judge) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	in := j.request(r, body)
	res, err := j.next.RoundTrip(r)
	if err != nil || in == nil {
		return res, err
	}
	answer, _ := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(answer))
	j.note(openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: in.Options, Body: io.NopCloser(bytes.NewReader(answer)),
	}))
	return res, nil
}

func (j *judge) request(r *http.Request, body []byte) *openapi3filter.RequestValidationInput {
	req := r.Clone(context.Background())
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.URL.Scheme, req.URL.Host = "https", "api.twilio.com"
	route, params, err := j.router.FindRoute(req)
	if err != nil {
		j.note(err)
		return nil
	}
	in := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: authenticated},
	}
	j.note(openapi3filter.ValidateRequest(context.Background(), in))
	return in
}

func authenticated(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	if user, password, ok := in.RequestValidationInput.Request.BasicAuth(); !ok || user == "" || password == "" {
		return errors.New("no basic authentication")
	}
	return nil
}

func (j *judge) note(err error) {
	if err != nil {
		j.faults = append(j.faults, err)
	}
}

// settle reports what was found since the last time.
func (j *judge) settle(t *testing.T, what string) {
	t.Helper()
	for _, err := range j.faults {
		t.Errorf("%s: %v", what, err)
	}
	j.faults = nil
}

// Every request that we make, and every answer of the emulator, is one that
// Twilio's own description allows.
func TestOpenAPI_RequestsAndEmulator(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	e := emulator.New(emulator.Options{})
	s := httptest.NewServer(e)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		_ = e.Close(context.Background())
	})
	c := New(outbound.New(outbound.Options{Transport: j, Timeout: 5 * time.Second}))
	call := func(r providertest.Request, otherwise func(string) *dispatch.Channel, to string) error {
		ch := otherwise(s.URL)
		if r.Channel != nil {
			ch = r.Channel(s.URL)
		}
		ch.Key = ch.Kind + ch.Settings["messaging_service_sid"]
		ch.Settings["callback_url"] = s.URL + "/nowhere"
		e.Register(ch)
		m := *r.Message
		m.ID, m.To = dispatch.NewID(), to
		acc, err := c.Send(t.Context(), ch, &m)
		if err == nil {
			_, err = c.Fetch(t.Context(), ch, acc.ProviderID)
		}
		if _, _, findErr := c.Find(t.Context(), ch, &m); findErr != nil && !strings.Contains(findErr.Error(), "alike") {
			t.Errorf("%s: Find: %v", r.Name, findErr)
		}
		return err
	}
	sms := func(base string) *dispatch.Channel { return channel("sms", base) }
	whatsApp := func(base string) *dispatch.Channel { return service("whatsapp", base) }
	for _, r := range smsRequests() {
		if err := call(r, sms, "+15550000107"); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		j.settle(t, r.Name)
	}
	for _, r := range whatsAppRequests() {
		if err := call(r, whatsApp, "+15550000107"); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		j.settle(t, r.Name)
	}
	for to, kind := range map[string]provider.Kind{
		"+15550000101": provider.Throttled, "+15550000103": provider.Doubtful, "+15550000104": provider.Permanent,
	} {
		if err := call(smsRequests()[0], sms, to); provider.AsError(err).Kind != kind {
			t.Errorf("to %s: %v", to, err)
		}
		j.settle(t, to)
	}
	bad := channel("sms", s.URL)
	bad.Secrets["auth_token"] = "wrong"
	if _, err := c.Send(t.Context(), bad, message(`{"type":"text","text":{"body":"hello"}}`)); provider.AsError(err).Kind != provider.Denied {
		t.Errorf("wrong token: %v", err)
	}
	j.settle(t, "wrong token")
}

// The judge isn't blind.
func TestOpenAPI_FaultsAreFound(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	j.next = answering(`{"sid":"SMx","num_media":1}`)
	c := New(outbound.New(outbound.Options{Transport: j}))
	m := message(`{"type":"template","template":{"provider_template_id":"no content sid"}}`)
	_, err := c.Send(t.Context(), channel("whatsapp", ""), m)
	if err == nil || len(j.faults) != 2 {
		t.Errorf("found %v, %v", j.faults, err)
	}
}

type answering string

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusCreated, Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(string(a))), Request: r,
	}, nil
}
