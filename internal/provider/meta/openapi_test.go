//go:build openapi

package meta_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

// judge is a transport that holds requests and answers to Meta's own OpenAPI.
type judge struct {
	t      *testing.T
	router routers.Router
	next   http.RoundTripper
}

func (j *judge) RoundTrip(r *http.Request) (*http.Response, error) {
	body := drain(&r.Body)
	in := j.request(r, body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	res, err := j.next.RoundTrip(r)
	if err == nil && in != nil {
		j.answer(in, res)
	}
	return res, err
}

func drain(body *io.ReadCloser) []byte {
	if *body == nil {
		return nil
	}
	b, _ := io.ReadAll(*body)
	*body = io.NopCloser(bytes.NewReader(b))
	return b
}

func (j *judge) request(r *http.Request, body []byte) *openapi3filter.RequestValidationInput {
	req := r.Clone(context.Background())
	req.Body = io.NopCloser(bytes.NewReader(body))
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json") // the document wants it on every operation
	}
	req.URL.Scheme, req.URL.Host = "https", "graph.facebook.com"
	route, params, err := j.router.FindRoute(req)
	if err != nil {
		j.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return nil
	}
	in := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
		j.t.Errorf("request %s %s %s: %v", r.Method, r.URL.Path, body, err)
	}
	return in
}

func (j *judge) answer(in *openapi3filter.RequestValidationInput, res *http.Response) {
	body := drain(&res.Body)
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: in.Options,
		Body: io.NopCloser(bytes.NewReader(body)),
	})
	if err != nil {
		j.t.Errorf("answer to %s %s: %d %s: %v", in.Request.Method, in.Request.URL.Path, res.StatusCode, body, err)
	}
}

func contract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(providertest.Contract(t, "meta-whatsapp-cloud.patched-for-mock.openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// The client's requests, and the emulator's answers to them, are what Meta's
// OpenAPI describes.
func TestOpenAPI_ClientAndEmulatorKeepToIt(t *testing.T) {
	t.Parallel()
	router, err := gorillamux.NewRouter(contract(t))
	if err != nil {
		t.Fatal(err)
	}
	emu := emulator.New(emulator.Options{})
	h := httptest.NewServer(emu)
	t.Cleanup(func() {
		h.Close()
		_ = emu.Close(context.WithoutCancel(t.Context()))
	})
	ch := channel(h.URL)
	emu.Register(ch)
	c := meta.New(outbound.New(outbound.Options{Transport: &judge{t: t, router: router, next: http.DefaultTransport}}))

	for _, r := range requests() {
		if _, err := c.Send(t.Context(), ch, r.Message); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
	}
	for digits, want := range map[string]provider.Kind{"0101": provider.Throttled, "0102": provider.Temporary, "0104": provider.Permanent} {
		m := message(`{"type":"text","text":{"body":"hello"}}`)
		m.To = "+1555000" + digits
		if _, err := c.Send(t.Context(), ch, m); provider.AsError(err).Kind != want {
			t.Errorf("%s: %v", digits, err)
		}
	}
	if err := c.Check(t.Context(), ch); err != nil {
		t.Error(err)
	}
	if ts, err := c.Templates(t.Context(), ch); err != nil || len(ts) == 0 {
		t.Errorf("%d templates, err %v", len(ts), err)
	}

	wrong := channel(h.URL)
	wrong.Secrets["access_token"] = "EAAB-other"
	if err := c.Check(t.Context(), wrong); provider.AsError(err).Kind != provider.Denied {
		t.Errorf("wrong token: %v", err)
	}
	lost := channel(h.URL)
	lost.Settings["phone_number_id"], lost.Settings["waba_id"] = "404", "405"
	if _, err := c.Send(t.Context(), lost, message(`{"type":"text","text":{"body":"hello"}}`)); provider.AsError(err).Provider != "100" {
		t.Errorf("unknown number: %v", err)
	}
	if _, err := c.Templates(t.Context(), lost); provider.AsError(err).Provider != "100" {
		t.Errorf("unknown business account: %v", err)
	}
}

// The emulator's callbacks are what Meta's OpenAPI describes.
func TestOpenAPI_EmulatorsCallbacksKeepToIt(t *testing.T) {
	t.Parallel()
	schemas := contract(t).Components.Schemas
	bodies := make(chan []byte, 10)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies <- b
	}))
	emu := emulator.New(emulator.Options{})
	h := httptest.NewServer(emu)
	t.Cleanup(func() {
		_ = emu.Close(context.WithoutCancel(t.Context()))
		h.Close()
		sink.Close()
	})
	ch := channel(h.URL)
	ch.Settings["callback_url"] = sink.URL
	emu.Register(ch)
	for _, to := range []string{"+15550000106", "+15550000108"} { // sent, delivered, read; failed
		m := &dispatch.Message{ID: dispatch.NewID(), To: to, Content: message(`{"type":"text","text":{"body":"hello"}}`).Content}
		if _, err := meta.New(outbound.New(outbound.Options{})).Send(t.Context(), ch, m); err != nil {
			t.Fatal(err)
		}
	}
	res, err := http.Post(
		h.URL+"/_emulator/inbound",
		"application/json",
		strings.NewReader(`{"channel":"main","from":"+15550001111","text":"hi"}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	for range 5 {
		b := <-bodies
		var body any
		if err := json.Unmarshal(b, &body); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if err := schemas["WebhookPayload"].Value.VisitJSON(body); err != nil {
			t.Errorf("%s: %v", b, err)
		}
		// The payload's schema takes any value; these are exact.
		value := body.(map[string]any)["entry"].([]any)[0].(map[string]any)["changes"].([]any)[0].(map[string]any)["value"].(map[string]any)
		schema := "IncomingMessageValueGeneral"
		if value["statuses"] != nil {
			schema = "StatusMessageValue"
		}
		if err := schemas[schema].Value.VisitJSON(value); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
}
