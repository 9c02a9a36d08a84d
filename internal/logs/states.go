package logs

import (
	"context"
	"log/slog"
	"time"
)

const (
	lookEvery = time.Second
	lookTime  = 3 * time.Second
)

// State is a server that a process depends on.
type State struct {
	Name   string
	Check  func(ctx context.Context) error
	Effect string // what happens without it

	failed time.Time // when it went away; zero: it answers
	said   time.Time // when that was logged last
}

// Watch logs when a server goes away, every minute until it is back, and when it is
// back. It returns when ctx ends.
func Watch(ctx context.Context, log *slog.Logger, states ...*State) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		for _, s := range states {
			s.look(ctx, log)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *State) look(ctx context.Context, log *slog.Logger) {
	within, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	err := s.Check(within)
	now := time.Now()
	switch {
	case ctx.Err() != nil:
	case err == nil && !s.failed.IsZero():
		log.Info(s.Name+" works again", "after", now.Sub(s.failed).Round(time.Millisecond).String())
		s.failed = time.Time{}
	case err != nil && s.failed.IsZero():
		s.failed, s.said = now, now
		log.Warn(s.Name+" does not work; "+s.Effect, "cause", err.Error())
	case err != nil && now.Sub(s.said) >= repeatAfter:
		s.said = now
		log.Warn(s.Name+" still does not work; "+s.Effect, "for", now.Sub(s.failed).Round(time.Second).String(), "cause", err.Error())
	}
}
