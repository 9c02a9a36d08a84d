package worker

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// resultStore keeps the outcomes of calls.
type resultStore interface {
	// Complete stores outcomes and returns the messages that have failed with them.
	Complete(ctx context.Context, outs []store.Outcome) ([]store.Failure, error)
}

const (
	// resultQueue is the number of results that may wait for Postgres.
	resultQueue = 100_000
	// resultsAhead is the number of waiting results up to which further calls
	// start: after a kill their outcome is as unknown as that of open calls.
	resultsAhead = 1024
	// resultPage is the number of results that are stored together.
	resultPage = 256
	// bulkRest is how long results of bulk gather behind a page that was not full. One by
	// one they were, on a channel of 200 messages a second, two thirds of what bulk costs
	// Postgres and half of the flushes of its log, for which commits of one-time passwords
	// wait.
	bulkRest = 25 * time.Millisecond
)

// persistBulk is persist for the bulk lane: further results wait until it returns.
func (w *Worker) persistBulk(ctx context.Context, outs []store.Outcome) ([]struct{}, error) {
	began := time.Now()
	done, err := w.persist(ctx, outs)
	if len(outs) < resultPage {
		sleep(w.quit, bulkRest-time.Since(began))
	}
	return done, err
}

// persist stores outcomes. It retries until ctx ends: the calls are made, and
// no other process has their outcome. Storing an outcome twice changes nothing.
func (w *Worker) persist(ctx context.Context, outs []store.Outcome) ([]struct{}, error) {
	wait := 50 * time.Millisecond
	for {
		began := time.Now()
		failed, err := w.Store.Complete(ctx, outs)
		if err == nil {
			if w.Tracer != nil {
				w.Tracer.Completed(began, outs)
			}
			for _, f := range failed {
				w.Observer.Failed(f.Channel, f.Code)
				w.Log.Info("message failed", "message_id", f.ID, "channel", f.Channel, "code", f.Code)
			}
			w.followUp(outs)
			return make([]struct{}, len(outs)), nil
		}
		if pg.Poisoned(err) {
			return w.persistHalves(ctx, outs, err)
		}
		w.Log.Warn("results not stored yet", "results", len(outs), "error", err)
		if !sleep(ctx, wait) {
			return nil, ctx.Err()
		}
		wait = min(wait*2, 1600*time.Millisecond)
	}
}

// persistHalves stores a page of which Postgres refuses one result: it is halved
// until that result is alone, whose message is left to its lease.
func (w *Worker) persistHalves(ctx context.Context, outs []store.Outcome, err error) ([]struct{}, error) {
	if len(outs) == 1 {
		w.Log.Error("result refused by the database; the message waits for the end of its lease", "message_id", outs[0].ID, "error", err)
		return make([]struct{}, 1), nil
	}
	half := len(outs) / 2
	if _, err := w.persist(ctx, outs[:half]); err != nil {
		return nil, err
	}
	_, err = w.persist(ctx, outs[half:])
	return make([]struct{}, len(outs)), err
}

// write queues results and does not wait until they are stored.
func (w *Worker) write(outs []store.Outcome) {
	w.calls.Go(func() {
		if _, err := w.results.DoAll(context.Background(), outs); err != nil {
			w.Log.Error("results lost; their messages wait for the end of their lease", "results", len(outs), "error", err)
		}
	})
}

// release releases claimed messages: no call was made for them.
func (w *Worker) release(claim uuid.UUID, ids []dispatch.ID) {
	outs := make([]store.Outcome, len(ids))
	for i, id := range ids {
		outs[i] = store.Outcome{ID: id, Claim: claim, Action: store.Release}
	}
	w.write(outs)
}
