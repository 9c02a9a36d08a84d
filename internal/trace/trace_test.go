package trace

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	tracestore "github.com/sendoff/sendoff/internal/store/trace"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// rows is a Store of what a test sets.
type rows struct {
	events   []tracestore.Event
	messages map[dispatch.ID]*tracestore.Message
	slow     bool // what Parents reports of all
}

func (r *rows) Next(context.Context) (events []tracestore.Event, more bool, err error) {
	events, r.events = r.events, nil
	return events, false, nil
}

func (r *rows) Messages(context.Context, []dispatch.ID) (map[dispatch.ID]*tracestore.Message, error) {
	return r.messages, nil
}

func (r *rows) Parents(_ context.Context, ids []dispatch.ID) (map[dispatch.ID]tracestore.Parent, error) {
	out := map[dispatch.ID]tracestore.Parent{}
	for _, id := range ids {
		if m := r.messages[id]; m != nil && m.Traceparent != "" {
			out[id] = tracestore.Parent{Traceparent: m.Traceparent, Slow: r.slow}
		}
	}
	return out, nil
}

func newTracer(t *testing.T, s Store, arg string, out sdk.SpanExporter) *Tracer {
	t.Helper()
	tr, err := New(Options{SamplerArg: arg, Store: s, Log: slog.New(slog.DiscardHandler), Exporter: out})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
		defer cancel()
		_ = tr.Stop(ctx)
	})
	return tr
}

// made returns the spans that wait, by name.
func made(t *testing.T, tr *Tracer, out *tracetest.InMemoryExporter) map[string][]tracetest.SpanStub {
	t.Helper()
	if err := tr.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	by := map[string][]tracetest.SpanStub{}
	for _, s := range out.GetSpans() {
		by[s.Name] = append(by[s.Name], s)
	}
	out.Reset()
	return by
}

const client = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"

// Two calls, then a failure: an unmarked message has all its spans from there on.
func TestFollow_FailureTellsTheWholeStory(t *testing.T) {
	t.Parallel()
	out := tracetest.NewInMemoryExporter()
	id := dispatch.NewID()
	mark(&id, false)
	began := timeOf(id).Add(10 * time.Millisecond)
	call := func(after time.Duration, outcome store.Result, code string) tracestore.Call {
		at := began.Add(after)
		return tracestore.Call{Message: id, Claim: dispatch.NewID(), StartedAt: &at, Latency: 20, Outcome: int16(outcome), HTTP: 500, Code: code}
	}
	old := call(time.Second, store.ResultPermanent, "131026")
	old.Claim = uuid.New() // of a version whose claims hold no time
	m := &tracestore.Message{ID: id, Account: 1, Channel: 2, CreatedAt: began}
	m.Calls = []tracestore.Call{old, call(0, store.ResultTemporary, "x")}
	m.Changes = []tracestore.Change{
		{Seq: 1, Kind: int16(dispatch.Queued), At: began},
		{Seq: 2, Kind: int16(dispatch.Failed), At: began.Add(2 * time.Second), Code: "131026"},
		{Seq: 3, Kind: int16(dispatch.Delivered), At: began.Add(3 * time.Second), Cause: "callback"},
	}
	s := &rows{messages: map[dispatch.ID]*tracestore.Message{id: m}}
	tr := newTracer(t, s, "0", out)
	s.events = []tracestore.Event{{Message: id, Seq: 1}, {Message: id, Seq: 2}}
	if err := tr.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := made(t, tr, out)
	if len(got["accept"]) != 1 || len(got["queue"]) != 1 || len(got["claim"]) != 1 || len(got["send"]) != 2 || len(got["failed"]) != 1 {
		t.Fatalf("spans %v", got)
	}
	first, second := got["send"][0], got["send"][1]
	if first.Parent.SpanID() != got["claim"][0].SpanContext.SpanID() || second.Parent.SpanID() != got["accept"][0].SpanContext.SpanID() {
		t.Error("calls hang elsewhere")
	}
	if second.Status.Description != "131026" || second.EndTime.Sub(second.StartTime) != 20*time.Millisecond ||
		!second.StartTime.Equal(*old.StartedAt) {
		t.Errorf("the last call: %+v", second)
	}
	for _, spans := range got {
		for _, v := range spans {
			if v.SpanContext.TraceID().String() != strings.ReplaceAll(id.String(), "-", "") || v.EndTime.Before(v.StartTime) {
				t.Errorf("%s is in trace %s", v.Name, v.SpanContext.TraceID())
			}
		}
	}
	s.events = []tracestore.Event{{Message: id, Seq: 3}}
	if err := tr.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := made(t, tr, out); len(got) != 1 || len(got["callback"]) != 1 {
		t.Errorf("after the failure: %v", got)
	}
}

// A provider may call back long before it answers: the call then comes later.
func TestFollow_CallbackBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	out := tracetest.NewInMemoryExporter()
	id := dispatch.NewID()
	mark(&id, true)
	m := &tracestore.Message{ID: id, CreatedAt: timeOf(id), Changes: []tracestore.Change{
		{Seq: 1, Kind: int16(dispatch.Queued)}, {Seq: 2, Kind: int16(dispatch.Sent), Cause: "callback"},
	}}
	s := &rows{messages: map[dispatch.ID]*tracestore.Message{id: m}, events: []tracestore.Event{{Message: id, Seq: 1}, {Message: id, Seq: 2}}}
	tr := newTracer(t, s, "0", out)
	for _, want := range []int{0, 1, 0} {
		if err := tr.follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := made(t, tr, out); len(got["send"]) != want {
			t.Fatalf("%d calls, want %d", len(got["send"]), want)
		}
		m.Calls = []tracestore.Call{{Message: id, Claim: dispatch.NewID(), At: time.Now(), Outcome: int16(store.ResultAccepted)}}
		for id := range tr.late {
			tr.late[id] = time.Now().Add(-2 * callsAfter)
		}
	}
}

func TestClaimed_LinksAllOfALargePage(t *testing.T) {
	t.Parallel()
	out := tracetest.NewInMemoryExporter()
	s := &rows{messages: map[dispatch.ID]*tracestore.Message{}}
	tr := newTracer(t, s, "1", out)
	claimed := make([]store.Claimed, 500)
	for i := range claimed {
		m := dispatch.Message{ID: dispatch.NewID()}
		tr.Begin(t.Context(), &m)
		claimed[i].ID = m.ID
	}
	s.messages[claimed[7].ID] = &tracestore.Message{Traceparent: client + "01"}
	claim := dispatch.NewID()
	tr.Claimed(time.Now(), claim, claimed)
	tr.Claimed(time.Now(), dispatch.NewID(), []store.Claimed{{ID: dispatch.NewID()}}) // not traced
	if err := tr.sendPages(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := made(t, tr, out)["claim page"]
	if len(got) != 1 || len(got[0].Links) != 500 || got[0].DroppedLinks != 0 {
		t.Fatalf("%d pages, %+v", len(got), got)
	}
	if l := got[0].Links[7].SpanContext; l.TraceID().String() != client[3:35] || l.SpanID() != spanID(claimed[7].ID, "claim", claim[:]...) {
		t.Errorf("the link to a client's trace: %v", l)
	}
	if l := got[0].Links[8].SpanContext; l.TraceID() != [16]byte(claimed[8].ID) {
		t.Errorf("the link to another: %v", l)
	}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sampler, arg, parent string
		want                 bool
	}{
		{"", "1", "", true},
		{"", "0", "", false},
		{"", "0", client + "01", true},
		{"", "1", client + "00", false},
		{"parentbased_always_on", "", client + "00", false},
		{"traceidratio", "1", client + "00", true},
		{"always_off", "", client + "01", false},
		{"always_on", "", "", true},
		{"Always_On", "", "nonsense", true},
		{"", "0", client + "03", true},
		{"", "0", client + "ff", true},
		{"", "1", client + "fe", false},
		{"", "0", client + "zz", false},
		{"", "0", client + "01-more", false},
		{"", "0", "cc" + client[2:] + "01-more", true}, // of a later version
		{"", "0", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
	} {
		tr := newTracer(t, &rows{}, "1", tracetest.NewInMemoryExporter())
		var err error
		if tr.sampler, err = NewSampler(c.sampler, c.arg); err != nil {
			t.Fatal(err)
		}
		m := dispatch.Message{ID: dispatch.NewID()}
		mark(&m.ID, !c.want)
		was := m.ID
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		req.Header.Set("Traceparent", c.parent)
		tr.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { tr.Begin(r.Context(), &m) })).
			ServeHTTP(httptest.NewRecorder(), req)
		if marked(m.ID) != c.want || m.ID.Version() != 7 || timeOf(m.ID) != timeOf(was) {
			t.Errorf("%+v: id %s", c, m.ID)
		}
		kept := parse(m.Traceparent)
		if c.parent == client+"00" || c.parent == client+"01" {
			if m.Traceparent != c.parent {
				t.Errorf("%+v: traceparent %q", c, m.Traceparent)
			}
		} else if kept.IsValid() && m.Traceparent[:53] != client {
			t.Errorf("%+v: traceparent %q", c, m.Traceparent)
		}
	}
	for _, bad := range [][2]string{{"", "1.5"}, {"", "x"}, {"", "-0.1"}, {"", "NaN"}, {"jaeger_remote", "1"}} {
		if _, err := NewSampler(bad[0], bad[1]); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestBegin_RatioIsKept(t *testing.T) {
	t.Parallel()
	tr := newTracer(t, &rows{}, "", tracetest.NewInMemoryExporter())
	n := 0
	for range 20_000 {
		m := dispatch.Message{ID: dispatch.NewID()}
		if tr.Begin(t.Context(), &m); marked(m.ID) {
			n++
		}
	}
	if n < 100 || n > 320 { // 200; nine standard deviations
		t.Errorf("%d of 20,000 are traced by default", n)
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	out := tracetest.NewInMemoryExporter()
	tr := newTracer(t, &rows{}, "0", out)
	id := dispatch.NewID()
	mark(&id, false)
	d := hookstore.Delivery{Place: hookstore.Place{ID: uuid.New()}, Message: id, Kind: int16(dispatch.Delivered)}
	own := strings.ReplaceAll(id.String(), "-", "")
	if h, _ := tr.Header(&d); !strings.HasPrefix(h, "00-"+own) || !strings.HasSuffix(h, "-00") {
		t.Errorf("not traced: %q", h)
	}
	again := d
	again.Attempts = 1
	first, _ := tr.Header(&d)
	if second, _ := tr.Header(&again); first == second {
		t.Error("two tries are one span")
	}
	d.Kind, d.Traceparent = int16(dispatch.Failed), client+"00 vendor=7,other=x"
	h, state := tr.Header(&d)
	if !strings.HasPrefix(h, client[:36]) || !strings.HasSuffix(h, "-01") || state != "vendor=7,other=x" {
		t.Errorf("failed, in a client's trace: %q, %q", h, state)
	}
	tr.Called(3, &d, time.Now(), 500)
	tr.Called(3, &again, time.Now(), 200)
	if got := made(t, tr, out)["webhook"]; len(got) != 1 || !strings.Contains(h, got[0].SpanContext.SpanID().String()) ||
		got[0].Status.Description != "500" {
		t.Errorf("spans %+v", got)
	}
	if h, _ := tr.Header(&hookstore.Delivery{Place: hookstore.Place{ID: uuid.New()}}); h != "" {
		t.Errorf("about no message: %q", h)
	}
}

// The webhooks of a message that was sent late are traced, whatever the ratio.
func TestHeader_SentLate(t *testing.T) {
	t.Parallel()
	out := tracetest.NewInMemoryExporter()
	id := dispatch.NewID()
	mark(&id, false)
	s := &rows{messages: map[dispatch.ID]*tracestore.Message{id: {ID: id, Traceparent: client + "00"}}, slow: true}
	tr := newTracer(t, s, "0", out)
	due := []hookstore.Delivery{{Place: hookstore.Place{ID: uuid.New()}, Message: id, Kind: int16(dispatch.Delivered)}}
	if err := tr.Parents(t.Context(), due); err != nil {
		t.Fatal(err)
	}
	if h, _ := tr.Header(&due[0]); !strings.HasPrefix(h, client[:36]) || !strings.HasSuffix(h, "-01") {
		t.Errorf("traceparent %q", h)
	}
	tr.Called(3, &due[0], time.Now(), 200)
	got := made(t, tr, out)["webhook"]
	if len(got) != 1 {
		t.Fatalf("%d spans of the webhook", len(got))
	}
	// Whether there is an accept span is not known: none may lack its parent.
	accept, links := spanID(id, "accept"), got[0].Links
	if got[0].Parent.SpanID().String() != client[36:52] || len(links) != 1 || links[0].SpanContext.SpanID() != accept ||
		links[0].SpanContext.TraceID() != got[0].SpanContext.TraceID() {
		t.Errorf("parent %s, links %v, want the client's span, and a link to accept", got[0].Parent.SpanID(), links)
	}
}

// Of a page of webhooks about messages that were sent late and nothing else, as many
// have spans as messages of a page; those of marked messages hang under accept.
func TestParents_ABacklogSentLate_HasFewSpans(t *testing.T) {
	t.Parallel()
	out := tracetest.NewInMemoryExporter()
	s := &rows{messages: map[dispatch.ID]*tracestore.Message{}, slow: true}
	tr := newTracer(t, s, "0", out)
	var due []hookstore.Delivery
	for i := range 200 {
		id := dispatch.NewID()
		mark(&id, i == 199)
		s.messages[id] = &tracestore.Message{ID: id, Traceparent: client + "00"}
		due = append(due, hookstore.Delivery{Place: hookstore.Place{ID: uuid.New()}, Message: id, Kind: int16(dispatch.Delivered)})
	}
	if err := tr.Parents(t.Context(), due); err != nil {
		t.Fatal(err)
	}
	sampled := 0
	for i := range due {
		if h, _ := tr.Header(&due[i]); strings.HasSuffix(h, "-01") {
			sampled++
		}
		tr.Called(3, &due[i], time.Now(), 200)
	}
	got := made(t, tr, out)["webhook"]
	if len(got) != tracestore.MostLate+1 || sampled != len(got) {
		t.Errorf("%d spans, %d calls with a sampled context, want %d", len(got), sampled, tracestore.MostLate+1)
	}
	if last := got[len(got)-1]; last.Parent.SpanID() != spanID(due[199].Message, "accept") || len(last.Links) != 0 {
		t.Errorf("the marked message's hangs under %s, links %v", last.Parent.SpanID(), last.Links)
	}
}

// A client's tracestate is kept as it came, if it is one and not too long.
func TestBegin_Tracestate(t *testing.T) {
	t.Parallel()
	tr := newTracer(t, &rows{}, "0", tracetest.NewInMemoryExporter())
	long := strings.Repeat("a", 200)
	for _, c := range []struct {
		parent string
		states []string
		want   string
	}{
		{client + "01", []string{"vendor=7,other=x"}, client + "01 vendor=7,other=x"},
		{client + "01", []string{"vendor=7", "other=x"}, client + "01 vendor=7,other=x"},
		{client + "01", []string{"no state at all"}, client + "01"},
		{client + "01", []string{"v=" + long, "w=" + long, "x=" + long}, client + "01"},
		{client + "01 vendor=7", nil, ""},
		{"", []string{"vendor=7"}, ""},
	} {
		m := dispatch.Message{ID: dispatch.NewID()}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		req.Header.Set("Traceparent", c.parent)
		req.Header["Tracestate"] = c.states
		tr.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { tr.Begin(r.Context(), &m) })).
			ServeHTTP(httptest.NewRecorder(), req)
		if m.Traceparent != c.want {
			t.Errorf("%+v: %q is kept", c, m.Traceparent)
		}
	}
}

func TestCode_HoldsNoNumbersOfPeople(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"131026": "131026", "20500": "20500", "not_sent": "not_sent", "RECIPIENT-7.1": "RECIPIENT-7.1", "": "",
		"15550001000": "", "to:+1555": "", "no such person": "", strings.Repeat("x", 41): "", "a1234567b12": "a1234567b12",
	} {
		if got := code(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// Of a backlog, whose every message is sent late, a few are traced for it; what is
// marked or has failed is so in any case.
func TestFewSlow(t *testing.T) {
	t.Parallel()
	var events []tracestore.Event
	for i := range 500 {
		e := tracestore.Event{Message: dispatch.NewID(), Kind: int16(dispatch.Sent), Seq: 2}
		mark(&e.Message, i%100 == 0)
		if i%100 == 1 {
			e.Kind = int16(dispatch.Failed)
		}
		events = append(events, e)
	}
	if n := len(fewSlow(slices.Clone(events[2 : 2+tracestore.MostLate]))); n != tracestore.MostLate {
		t.Errorf("%d of %d", n, tracestore.MostLate)
	}
	if n := len(fewSlow(events)); n != 10+tracestore.MostLate {
		t.Errorf("%d events, want 5 that are marked, 5 failures and %d", n, tracestore.MostLate)
	}
}
