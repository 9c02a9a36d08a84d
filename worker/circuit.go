package worker

import (
	"context"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// circuitStore keeps the circuits of channels.
type circuitStore interface {
	// TakeProbe reports whether this worker is to make the call that probes an
	// open circuit.
	TakeProbe(ctx context.Context, channel int64) (bool, error)
	OpenCircuit(ctx context.Context, channel int64, reason string, probe time.Duration) error
	CloseCircuit(ctx context.Context, channel int64, byHand bool) error
}

// breakAfter returns how many failures in a row open a circuit: those of a tenth
// of a second at full rate, between 20 and 1,000.
func breakAfter(ch *dispatch.Channel) int { return int(min(1000, max(20, ch.Policy.Rate/10))) }

// openCircuit pauses a channel; its next call is made after probe.
func (w *Worker) openCircuit(ctx context.Context, ch *dispatch.Channel, e *provider.Error, probe time.Duration) {
	reason := strings.TrimSpace(e.Code + " " + e.Provider + ": " + clip(e.Msg, 200))
	if err := w.Store.OpenCircuit(ctx, ch.ID, reason, probe); err != nil {
		w.Log.Warn("circuit not opened", "channel", ch.ID, "error", err)
		return
	}
	w.Registry.Drop()
	w.Log.Warn("channel paused", "channel", ch.ID, "provider", ch.Provider, "reason", reason)
}

// closeCircuit notes a call that succeeded, and closes the circuit if it is
// open. One that a person opened stays open.
func (w *Worker) closeCircuit(f *flight) {
	f.state.worked()
	open, err := w.Registry.OpenCircuits(w.cut)
	if err != nil || open[f.ch.ID].State != "open" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), noteTimeout)
	defer cancel()
	if err := w.Store.CloseCircuit(ctx, f.ch.ID, false); err != nil {
		w.Log.Warn("circuit not closed", "channel", f.ch.ID, "error", err)
		return
	}
	w.Registry.Drop()
	w.Log.Info("channel resumed", "channel", f.ch.ID, "provider", f.ch.Provider)
}
