package logs

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	// repeatAfter is how often a message that is repeated is logged.
	repeatAfter = time.Minute
	maxTexts    = 200
)

// Sparse passes the messages of a library on, which has a format of its own and
// repeats them while a server is away: each text once a minute.
type Sparse struct {
	log *slog.Logger

	mu   sync.Mutex
	seen map[string]time.Time // by the text before its first colon
}

// NewSparse returns a Sparse for a component.
func NewSparse(log *slog.Logger, component string) *Sparse {
	return &Sparse{log: log.With("component", component), seen: map[string]time.Time{}}
}

// Say logs text unless the same was logged in the last minute.
func (s *Sparse) Say(level slog.Level, text string) {
	if !s.log.Enabled(context.Background(), level) || !s.due(text, time.Now()) {
		return
	}
	s.log.Log(context.Background(), level, text)
}

func (s *Sparse) due(text string, now time.Time) bool {
	about, _, _ := strings.Cut(text, ":")
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.seen[about]; ok && now.Sub(last) < repeatAfter {
		return false
	}
	if len(s.seen) >= maxTexts {
		clear(s.seen)
	}
	s.seen[about] = now
	return true
}

// Printf implements the logger of go-redis, whose messages are of lost
// connections: at level debug, since States reports those.
func (s *Sparse) Printf(_ context.Context, format string, v ...any) {
	s.Say(slog.LevelDebug, fmt.Sprintf(format, v...))
}
