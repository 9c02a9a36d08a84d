// Package metrics exports counters for Prometheus. Labels are bounded:
// channels, lanes, codes and routes, never recipients or ids.
package metrics

import (
	"database/sql"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/version"
)

// Metrics holds the metrics of one process.
type Metrics struct {
	reg        *prometheus.Registry
	accepted   *prometheus.CounterVec
	offers     prometheus.Counter
	attempts   *prometheus.CounterVec
	retried    *prometheus.CounterVec
	unknown    *prometheus.CounterVec
	failed     *prometheus.CounterVec
	call       *prometheus.HistogramVec
	toProvider *prometheus.HistogramVec
	accept     prometheus.Histogram
	requests   *prometheus.HistogramVec
	callbacks  *prometheus.CounterVec
	rejected   *prometheus.CounterVec
	depth      *prometheus.GaugeVec
	oldest     *prometheus.GaugeVec
	local      *prometheus.CounterVec
	ready      prometheus.Gauge
	partitions prometheus.Gauge
	hooks      *prometheus.CounterVec
	hookDepth  prometheus.Gauge
	hookOldest prometheus.Gauge
	hooksOff   *prometheus.GaugeVec
	held       *prometheus.GaugeVec
	heldBefore map[int64]string // by channel; Held alone uses it
	looked     sync.Once        // Partitions was called
}

// lateness also fits messages of a campaign that wait for hours.
var lateness = []float64{.01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400}

var quick = []float64{.001, .0025, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10}

// New returns Metrics with all counters registered.
func New() *Metrics {
	m := &Metrics{
		reg:      prometheus.NewRegistry(),
		accepted: counter("sendoff_accepted_total", "Messages accepted (202).", "channel"),
		offers: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sendoff_offers_failed_total", Help: "Messages whose offer to the queue failed; the feeder offers them again.",
		}),
		attempts: counter("sendoff_dispatched_total", "Provider calls by result.", "channel", "lane", "result"),
		retried:  counter("sendoff_retried_total", "Provider calls that will be repeated.", "channel", "code"),
		unknown:  counter("sendoff_unknown_total", "Provider calls whose outcome is not known.", "channel", "code"),
		failed:   counter("sendoff_failed_total", "Messages that became failed, by the answer to a call or by a callback.", "channel", "code"),
		call:     histogram("sendoff_provider_call_seconds", "Duration of provider calls.", "channel"),
		toProvider: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sendoff_accept_to_sent_seconds", Help: "Time from accept (or send_at) until the provider accepted it.", Buckets: lateness,
		}, []string{"lane"}),
		accept: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sendoff_accept_seconds", Help: "Time to accept one message.", Buckets: quick,
		}),
		requests:  histogram("sendoff_http_request_seconds", "Duration of HTTP requests.", "route", "method", "status"),
		callbacks: counter("sendoff_callbacks_total", "Statuses and inbound messages from providers.", "provider", "kind", "result"),
		rejected:  counter("sendoff_callbacks_rejected_total", "Callbacks that were refused, by reason.", "channel", "reason"),
		depth:     gauge("sendoff_queue_depth", "Messages that wait to be sent (counted up to 100,000).", "lane"),
		oldest:    gauge("sendoff_queue_oldest_seconds", "How long the oldest due message has waited.", "lane"),
		ready: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "sendoff_dispatchable_oldest_seconds", Help: "Age of the oldest message that nothing but capacity holds back.",
		}),
		partitions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "sendoff_partitions_ahead_seconds", Help: "Time until the first week for which a table has no partition.",
		}),
		local: counter("sendoff_limits_local_total", "Limit checks answered without Redis.", "limit"),
		hooks: counter(
			"sendoff_webhook_deliveries_total", "Calls of customers' webhooks by result: delivered, retried (it comes again), failed (given up).",
			"result",
		),
		hookDepth: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "sendoff_webhook_queue_depth", Help: "Deliveries that wait for an enabled endpoint (counted up to 100,000).",
		}),
		hookOldest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "sendoff_webhook_queue_oldest_seconds", Help: "How late the delivery is that has been due the longest.",
		}),
		held:     gauge("sendoff_channel_held", "1 while a channel sends nothing: its circuit is open, or it is paused.", "channel", "state"),
		hooksOff: gauge("sendoff_webhooks_disabled", "Endpoints that are disabled: by hand, or for their failures.", "cause"),
	}
	m.reg.MustRegister(m.ready, m.hooks, m.hookDepth, m.hookOldest, m.hooksOff, m.held)
	m.reg.MustRegister(m.accepted, m.offers, m.attempts, m.retried, m.unknown, m.failed, m.call, m.toProvider,
		m.accept, m.requests, m.callbacks, m.rejected, m.depth, m.oldest, m.local,
		build(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.known()
	return m
}

// known creates the series whose label values are known, so that a rate over them
// is there from the start.
func (m *Metrics) known() {
	for _, lane := range dispatch.Lanes {
		m.depth.WithLabelValues(lane.String())
		m.oldest.WithLabelValues(lane.String())
		m.toProvider.WithLabelValues(lane.String())
	}
	for _, limit := range []string{"key", "channel"} {
		m.local.WithLabelValues(limit)
	}
	for _, result := range []string{"delivered", "retried", "failed"} {
		m.hooks.WithLabelValues(result)
	}
	for _, cause := range []string{"hand", "failures"} {
		m.hooksOff.WithLabelValues(cause)
	}
}

// heldStates are those of a channel that sends nothing.
var heldStates = []string{"open", "paused"}

// Held sets which channels send nothing, with the state of each. It is called by one
// goroutine.
func (m *Metrics) Held(states map[int64]string) {
	for id := range m.heldBefore {
		if _, still := states[id]; !still {
			m.setHeld(id, "")
		}
	}
	for id, state := range states {
		m.setHeld(id, state)
	}
	m.heldBefore = states
}

func (m *Metrics) setHeld(channel int64, state string) {
	for _, s := range heldStates {
		value := 0.0
		if s == state {
			value = 1
		}
		m.held.WithLabelValues(channelLabel(channel), s).Set(value)
	}
}

// Know creates the series of a channel.
func (m *Metrics) Know(ch *dispatch.Channel) {
	id := channelLabel(ch.ID)
	m.accepted.WithLabelValues(id)
	m.call.WithLabelValues(id)
	for _, reason := range []string{"signature", string(dispatch.Invalid), "storage"} {
		m.rejected.WithLabelValues(id, reason)
	}
	m.unknown.WithLabelValues(id, dispatch.FailUnclear)
	for _, state := range heldStates {
		m.held.WithLabelValues(id, state)
	}
	for _, code := range dispatch.RetryCodes {
		m.retried.WithLabelValues(id, code)
	}
	for _, code := range dispatch.FailCodes {
		m.failed.WithLabelValues(id, code)
	}
	for _, lane := range dispatch.Lanes {
		for _, result := range []string{"accepted", "unknown", "permanent", "temporary", "throttled"} {
			m.attempts.WithLabelValues(id, lane.String(), result)
		}
	}
	for _, kind := range []string{"status", "inbound"} {
		m.callbacks.WithLabelValues(ch.Provider, kind, "read")
	}
	m.callbacks.WithLabelValues(ch.Provider, "status", "late")
	m.callbacks.WithLabelValues(ch.Provider, "other", "ignored")
}

// build returns the version of the binary as a series.
func build() prometheus.Collector {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "sendoff_build_info", Help: "The version of the binary and of Go; the value is 1.",
	}, []string{"version", "go"})
	info.WithLabelValues(version.Version(), runtime.Version()).Set(1)
	return info
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: quick}, labels)
}

// Handler returns the handler of /metrics.
func (m *Metrics) Handler() http.Handler { return promhttp.HandlerFor(m.reg, promhttp.HandlerOpts{}) }

// Pool exports the statistics of a database pool, read at each scrape.
func (m *Metrics) Pool(stats func() sql.DBStats) {
	for name, read := range map[string]func(sql.DBStats) float64{
		"open":         func(s sql.DBStats) float64 { return float64(s.OpenConnections) },
		"in_use":       func(s sql.DBStats) float64 { return float64(s.InUse) },
		"waits":        func(s sql.DBStats) float64 { return float64(s.WaitCount) },
		"wait_seconds": func(s sql.DBStats) float64 { return s.WaitDuration.Seconds() },
	} {
		m.reg.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: "sendoff_postgres_pool_" + name, Help: "Postgres pool: " + name + "."},
			func() float64 { return read(stats()) },
		))
	}
}

func channelLabel(id int64) string { return strconv.FormatInt(id, 10) }

// Accepted counts accepted messages.
func (m *Metrics) Accepted(channel int64, n int) {
	m.accepted.WithLabelValues(channelLabel(channel)).Add(float64(n))
}

// OfferFailed counts messages that could not be offered to the queue.
func (m *Metrics) OfferFailed(n int) { m.offers.Add(float64(n)) }

// Attempt counts a provider call. last reports that it failed and no other
// follows; Failed counts the messages that fail with it.
func (m *Metrics) Attempt(ch *dispatch.Channel, lane dispatch.Lane, result, code string, last bool, latency time.Duration) {
	id := channelLabel(ch.ID)
	m.attempts.WithLabelValues(id, lane.String(), result).Inc()
	m.call.WithLabelValues(id).Observe(latency.Seconds())
	switch {
	case result == "accepted" || last:
	case result == "unknown":
		m.unknown.WithLabelValues(id, code).Inc()
	default:
		m.retried.WithLabelValues(id, code).Inc()
	}
}

// Failed counts a message that has become failed.
func (m *Metrics) Failed(channel int64, code string) {
	m.failed.WithLabelValues(channelLabel(channel), code).Inc()
}

// Sent observes the time from accept until the provider accepted the message.
func (m *Metrics) Sent(_ *dispatch.Channel, lane dispatch.Lane, since time.Duration) {
	m.toProvider.WithLabelValues(lane.String()).Observe(since.Seconds())
}

// Depth sets the number of messages waiting in a lane and the age of the
// oldest.
func (m *Metrics) Depth(lane dispatch.Lane, waiting int64, oldest time.Duration) {
	m.depth.WithLabelValues(lane.String()).Set(float64(waiting))
	m.oldest.WithLabelValues(lane.String()).Set(oldest.Seconds())
}

// Dispatchable sets the age of the oldest message that nothing but capacity holds
// back.
func (m *Metrics) Dispatchable(oldest time.Duration) { m.ready.Set(oldest.Seconds()) }

// Partitions sets for how long tables have partitions. The series begins with the first
// look: a 0 before it would be a fault.
func (m *Metrics) Partitions(ahead time.Duration) {
	m.looked.Do(func() { m.reg.MustRegister(m.partitions) })
	m.partitions.Set(ahead.Seconds())
}

// Request observes the duration of an HTTP request.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Observe(took.Seconds())
}

// AcceptTime observes the time to accept one message.
func (m *Metrics) AcceptTime(took time.Duration) { m.accept.Observe(took.Seconds()) }

// Callback counts the statuses and inbound messages of a provider's callback.
func (m *Metrics) Callback(provider string, statuses, inbound int) {
	m.callbacks.WithLabelValues(provider, "status", "read").Add(float64(statuses))
	m.callbacks.WithLabelValues(provider, "inbound", "read").Add(float64(inbound))
}

// CallbackIgnored counts a callback that nothing was read from.
func (m *Metrics) CallbackIgnored(provider string) {
	m.callbacks.WithLabelValues(provider, "other", "ignored").Inc()
}

// CallbackLate counts a status of a message that is not there any more, or never was.
func (m *Metrics) CallbackLate(provider string) {
	m.callbacks.WithLabelValues(provider, "status", "late").Inc()
}

// CallbackRejected counts a callback whose signature or body is wrong.
func (m *Metrics) CallbackRejected(channel int64, reason string) {
	m.rejected.WithLabelValues(strconv.FormatInt(channel, 10), reason).Inc()
}

// Local counts a limit check that was answered without Redis.
func (m *Metrics) Local(limit string) { m.local.WithLabelValues(limit).Inc() }

// WebhookTried counts a call of a customer's webhook.
func (m *Metrics) WebhookTried(result string) { m.hooks.WithLabelValues(result).Inc() }

// WebhookDepth sets the number of deliveries that wait, and how late the oldest
// is.
func (m *Metrics) WebhookDepth(waiting int64, oldest time.Duration) {
	m.hookDepth.Set(float64(waiting))
	m.hookOldest.Set(oldest.Seconds())
}

// WebhooksDisabled sets the number of disabled endpoints, by cause.
func (m *Metrics) WebhooksDisabled(byHand, forFailures int64) {
	m.hooksOff.WithLabelValues("hand").Set(float64(byHand))
	m.hooksOff.WithLabelValues("failures").Set(float64(forFailures))
}
