package trace

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otrace "go.opentelemetry.io/otel/trace"

	"github.com/sendoff/sendoff/internal/dispatch"
	tracestore "github.com/sendoff/sendoff/internal/store/trace"
)

// defaultRatio is small: traces are there to compare usual messages with those that
// are traced in any case.
const defaultRatio = "0.01"

// NewSampler returns the sampler that OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG
// name: parentbased_traceidratio without a name, and defaultRatio without an argument.
func NewSampler(name, arg string) (sdk.Sampler, error) {
	name, based := strings.CutPrefix(strings.ToLower(strings.TrimSpace(name)), "parentbased_")
	root := sdk.AlwaysSample()
	switch name {
	case "always_on":
	case "always_off":
		root = sdk.NeverSample()
	case "traceidratio", "":
		ratio, err := strconv.ParseFloat(cmp.Or(strings.TrimSpace(arg), defaultRatio), 64)
		if err != nil || !(ratio >= 0 && ratio <= 1) {
			return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG must be a ratio from 0 to 1, as 0.01; got %q", arg)
		}
		root, based = sdk.TraceIDRatioBased(ratio), based || name == ""
	default:
		return nil, fmt.Errorf("OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio, alone or after parentbased_; got %q", name)
	}
	if based {
		return sdk.ParentBased(root), nil
	}
	return root, nil
}

// Begin decides whether a new message is traced, marks its id if it is, and notes the
// trace context that the client sent.
func (t *Tracer) Begin(ctx context.Context, m *dispatch.Message) {
	parent := otrace.SpanContextFromContext(ctx)
	id := parent.TraceID()
	if parent.IsValid() {
		m.Traceparent = pack(parent)
	} else {
		binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	}
	r := t.sampler.ShouldSample(sdk.SamplingParameters{ParentContext: ctx, TraceID: id})
	mark(&m.ID, r.Decision == sdk.RecordAndSample)
}

// markBytes are the bytes of tracestore.Mark.
var markBytes = [2]byte{0x5e, 0x0d}

// mark makes an id end like those of traced messages, or otherwise.
func mark(id *dispatch.ID, traced bool) {
	switch {
	case traced:
		copy(id[14:], markBytes[:])
	case marked(*id):
		id[15]++
	}
}

// marked reports whether a message was traced from the start.
func marked(id dispatch.ID) bool { return [2]byte(id[14:]) == markBytes }

// always reports whether messages with an event of a kind are traced in any case.
func always(kind int16) bool {
	return slices.Contains([]dispatch.Status{dispatch.Failed, dispatch.Expired, dispatch.Unknown}, dispatch.Status(kind))
}

// late reports whether a message was sent so late that it counts as slow.
func late(m *tracestore.Message, c *tracestore.Change) bool {
	return c.Kind == int16(dispatch.Sent) && m.Lane != dispatch.Bulk && c.At.Sub(due(m)) > dispatch.SlowAfter
}

var propagator propagation.TraceContext

// Handler notes the trace context of requests that have one.
func (t *Tracer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state := strings.Join(r.Header.Values("Tracestate"), ",")
		if parent := extract(knownFlags(r.Header.Get("Traceparent")), state); parent.IsValid() {
			r = r.WithContext(otrace.ContextWithRemoteSpanContext(r.Context(), parent))
		}
		next.ServeHTTP(w, r)
	})
}

// knownFlags returns a traceparent without the flags that its version may yet get: the
// propagator of OpenTelemetry 1.47 refuses a context for them.
func knownFlags(traceparent string) string {
	if ids, flags := len("00-")+32+len("-")+16+len("-"), 2; len(traceparent) == ids+flags {
		if b, err := hex.DecodeString(traceparent[ids:]); err == nil {
			return traceparent[:ids] + hex.EncodeToString([]byte{b[0] & byte(otrace.FlagsSampled)})
		}
	}
	return traceparent
}

// format returns a context as traceparent.
func format(c otrace.SpanContext) string {
	flags := c.TraceFlags() & otrace.FlagsSampled
	return fmt.Sprintf("00-%s-%s-%s", c.TraceID(), c.SpanID(), flags)
}

// maxState is how long a tracestate may be that is kept, in bytes: what W3C asks for.
const maxState = 512

// pack returns a context as messages keep it: traceparent and, behind a space, the
// tracestate, if there is one.
func pack(c otrace.SpanContext) string {
	if state := c.TraceState().String(); state != "" && len(state) <= maxState {
		return format(c) + " " + state
	}
	return format(c)
}

// parse returns the context that pack has returned, invalid if it is none.
func parse(packed string) otrace.SpanContext {
	parent, state, _ := strings.Cut(packed, " ")
	return extract(parent, state)
}

// extract returns the context that two headers hold, invalid if they hold none.
func extract(parent, state string) otrace.SpanContext {
	if parent == "" {
		return otrace.SpanContext{}
	}
	ctx := propagator.Extract(context.Background(), propagation.MapCarrier{"traceparent": parent, "tracestate": state})
	return otrace.SpanContextFromContext(ctx)
}
