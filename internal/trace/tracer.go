// Package trace makes OpenTelemetry spans of messages and sends them to a collector.
//
// The spans of a message are made afterwards, from the event log and the rows of the
// message: accepting and sending do nothing for them but mark the ids of the messages
// that are traced. So they cost next to nothing, outlast every kill, and a message
// that was not to be traced, but has failed, has all of them too. Their ids follow
// from the message's: the trace is the message id, or that of the client's context.
// Pages (a flush of accepted messages, a claim, results) and calls of webhooks are
// noted where they happen.
package trace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otrace "go.opentelemetry.io/otel/trace"

	"github.com/sendoff/sendoff/internal/dispatch"
	tracestore "github.com/sendoff/sendoff/internal/store/trace"
)

const (
	// queued is how many spans wait for the collector at most, some 10 MB; further
	// ones are dropped.
	queued = 8192
	// mostLinks is how many messages a page span links to. The SDK's 128 would cut
	// pages.
	mostLinks = 2048
	// every is how often the log is read and pages are sent.
	every = time.Second
	// complainEvery is how often the log of the process hears of a dead collector.
	complainEvery = time.Minute
)

// Store reads what spans are made of.
type Store interface {
	Next(ctx context.Context) (events []tracestore.Event, more bool, err error)
	Messages(ctx context.Context, ids []dispatch.ID) (map[dispatch.ID]*tracestore.Message, error)
	Parents(ctx context.Context, ids []dispatch.ID) (map[dispatch.ID]tracestore.Parent, error)
}

// Options of a Tracer.
type Options struct {
	Endpoint            string // of the collector, as OTEL_EXPORTER_OTLP_ENDPOINT
	Sampler, SamplerArg string // as OTEL_TRACES_SAMPLER and its _ARG
	Version             string
	Store               Store
	Log                 *slog.Logger
	Exporter            sdk.SpanExporter // replaces that of Endpoint, in tests
}

// Tracer makes spans. Its methods wait for no collector.
type Tracer struct {
	store    Store
	log      *slog.Logger
	sampler  sdk.Sampler
	provider *sdk.TracerProvider
	tracer   otrace.Tracer
	pages    pages
	sent     atomic.Int64 // spans since the last flush
	complain complaint
	late     map[dispatch.ID]time.Time // messages whose calls are not known yet; see lateCalls
}

// New returns a Tracer. Run does its work, Stop sends what is left. The variables of
// OpenTelemetry that Options does not name (headers, certificates, resource, batches)
// are read from the environment.
func New(o Options) (*Tracer, error) {
	sampler, err := NewSampler(o.Sampler, o.SamplerArg)
	if err != nil {
		return nil, err
	}
	t := &Tracer{store: o.Store, log: o.Log, sampler: sampler, complain: complaint{log: o.Log}, late: map[dispatch.ID]time.Time{}}
	otel.SetErrorHandler(&t.complain)
	if o.Exporter == nil {
		if o.Exporter, err = otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(Address(o.Endpoint)), patience); err != nil {
			return nil, fmt.Errorf("traces: %w", err)
		}
	}
	about, err := resource.New(context.Background(), resource.WithAttributes(
		attribute.String("service.name", "sendoff"), attribute.String("service.version", o.Version),
		attribute.String("service.instance.id", dispatch.NewID().String()),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	limits := sdk.NewSpanLimits()
	limits.LinkCountLimit = mostLinks
	var batch []sdk.BatchSpanProcessorOption
	if os.Getenv("OTEL_BSP_MAX_QUEUE_SIZE") == "" {
		batch = append(batch, sdk.WithMaxQueueSize(queued))
	}
	t.provider = sdk.NewTracerProvider(sdk.WithBatcher(o.Exporter, batch...), sdk.WithResource(about), sdk.WithRawSpanLimits(limits),
		sdk.WithSampler(sdk.AlwaysSample()), sdk.WithIDGenerator(generator{}))
	t.tracer = t.provider.Tracer("github.com/sendoff/sendoff")
	return t, nil
}

// patience is how long the exporter tries to send one batch.
var patience = otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
	Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: 15 * time.Second,
})

// Check returns an error if the collector at an endpoint does not take spans.
func Check(ctx context.Context, endpoint string) (err error) {
	c := otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(Address(endpoint)),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}))
	if err := c.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop(ctx)) }()
	return c.UploadTraces(ctx, nil)
}

// Address returns where spans go for an endpoint.
func Address(endpoint string) string {
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), strings.TrimSuffix(endpoint, "/")+"/v1/traces")
}

// Run makes the spans of pages and, if follow is set, of messages until ctx ends.
func (t *Tracer) Run(ctx context.Context, follow bool) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := t.sendPages(ctx)
		if follow {
			err = errors.Join(err, t.follow(ctx))
		}
		if err != nil && ctx.Err() == nil {
			t.complain.Handle(err)
		}
	}
}

// Stop sends the spans that wait.
func (t *Tracer) Stop(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil { // a dead collector is no fault of ours
		t.log.Debug("spans not sent", "error", err)
	}
	return nil
}

// complaint logs errors of the SDK, one in complainEvery.
type complaint struct {
	log  *slog.Logger
	mu   sync.Mutex
	last time.Time
}

// Handle implements otel.ErrorHandler.
func (c *complaint) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.last) < complainEvery {
		return
	}
	c.last = time.Now()
	c.log.Warn("traces not sent; messages are not affected", "error", err)
}
