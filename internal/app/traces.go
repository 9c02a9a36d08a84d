package app

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/trace"
	"github.com/sendoff/sendoff/internal/version"

	tracestore "github.com/sendoff/sendoff/internal/store/trace"
)

// startTraces starts making traces if a collector is configured. Workers make those
// of messages; the spans that are left go out when all else has stopped.
func (p *parts) startTraces(role string) (err error) {
	if p.cfg.TracesEndpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nil
	}
	p.tracer, err = trace.New(trace.Options{
		Endpoint: p.cfg.TracesEndpoint, Sampler: p.cfg.TracesSampler, SamplerArg: p.cfg.TracesSamplerArg,
		Version: version.Version(), Store: tracestore.New(p.db), Log: p.log,
	})
	if err != nil {
		return err
	}
	p.onStop("collector", 2*time.Second, p.tracer.Stop)
	p.background("traces", time.Second, func(ctx context.Context) { p.tracer.Run(ctx, role == "work") })
	return nil
}
