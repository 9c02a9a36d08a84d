package cli

import (
	"context"
	"os"
	"time"

	"github.com/sendoff/sendoff/internal/trace"
)

// collectorTime is how long a collector of traces may take to answer.
const collectorTime = 5 * time.Second

// traces checks that the collector of traces answers, if one is configured.
func (d *doctor) traces(ctx context.Context) {
	const name = "traces"
	if d.cfg.TracesEndpoint == "" {
		return
	}
	if _, err := trace.NewSampler(d.cfg.TracesSampler, d.cfg.TracesSamplerArg); err != nil {
		d.note(name, false, err.Error(), "correct it, or unset it; serve and work do not start with it")
		return
	}
	if p := os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"); p != "" && p != "http/protobuf" {
		d.note(name, false, "OTEL_EXPORTER_OTLP_PROTOCOL is "+p, "Sendoff sends http/protobuf only: name a collector's address for it, often port 4318")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, collectorTime)
	defer cancel()
	detail, err := trace.Address(d.cfg.TracesEndpoint)+" takes traces", trace.Check(ctx, d.cfg.TracesEndpoint)
	if err != nil {
		detail = "the collector does not take traces: " + err.Error()
	}
	d.note(name, err == nil, detail, "correct OTEL_EXPORTER_OTLP_ENDPOINT (OTLP over HTTP, often port 4318) or start the collector; "+
		"messages go out all the same, their traces are lost")
}
