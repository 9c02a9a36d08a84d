package accept

import (
	"context"
	"sync"
	"time"
)

// usageStore keeps how often templates are used.
type usageStore interface {
	CountTemplates(ctx context.Context, used map[int64]int64) error
}

// usage counts uses of templates that are not written yet.
type usage struct {
	mu   sync.Mutex
	uses map[int64]int64
}

// add counts one use of a template; 0 is none.
func (u *usage) add(template int64) {
	if template == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.uses == nil {
		u.uses = map[int64]int64{}
	}
	u.uses[template]++
}

// take returns the counts and starts anew.
func (u *usage) take() map[int64]int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	uses := u.uses
	u.uses = nil
	return uses
}

// usageLoop writes the counts every second until ctx ends, and once more then.
func (s *Service) usageLoop(ctx context.Context) {
	for more := true; more; {
		more = pause(ctx, time.Second)
		if err := s.Accounts.CountTemplates(context.WithoutCancel(ctx), s.usage.take()); err != nil {
			s.Log.Warn("template usage not written", "error", err)
		}
	}
}
