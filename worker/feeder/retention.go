package feeder

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/store/retention"
)

// Retention removes what is older than accounts keep it.
type Retention interface {
	Run(ctx context.Context) ([]retention.Step, error)
}

// retention removes old records, once an hour on one worker, and logs what it did.
func (f *Feeder) retention(ctx context.Context) error {
	if f.Retention == nil {
		return nil
	}
	mine, err := f.Store.TakeJob(ctx, "retention", time.Hour)
	if err != nil || !mine {
		return err
	}
	steps, err := f.Retention.Run(ctx)
	for i := range steps {
		s := &steps[i]
		log := f.Log.Info
		if s.Action == retention.Keep {
			log = f.Log.Warn
		}
		log("old records", "action", s.Action, "table", s.Table, "partition", s.Partition, "account", s.Account, "before", s.Before,
			"rows", s.Rows, "reason", s.Reason)
	}
	return err
}
