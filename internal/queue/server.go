package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/logs"
)

// Handler works on a page. An error means that Postgres or Redis was away
// before anything was claimed: asynq runs the task again.
type Handler func(ctx context.Context, p dispatch.Page) error

// Server fetches pages of every lane, each lane by an asynq server of its own:
// no lane polls for another, and none can starve another.
type Server struct {
	ServerOptions
	cancel context.CancelFunc
	began  chan struct{} // closed when the servers run, or never will

	mu      sync.Mutex
	servers []*asynq.Server
}

// ServerOptions are the dependencies of a Server.
type ServerOptions struct {
	Redis redis.UniversalClient
	// Installation returns the id of this installation, and how long the queues of
	// versions without ids are to be worked on too.
	Installation func(ctx context.Context) (id string, drain time.Duration, err error)
	Handle       Handler
	Grace        time.Duration // for running pages in Shutdown
	Log          *slog.Logger
}

// Concurrency is how many pages of each lane are worked on at once. A page's
// handler ends when its calls have started, so this bounds claims, not calls.
var Concurrency = map[dispatch.Lane]int{dispatch.OTP: 16, dispatch.Normal: 16, dispatch.Bulk: 8}

// checkEvery is how often an idle lane polls Redis where no notices come (measured: 10 ms
// has a p50 of 5 ms from accept to provider at 290 idle commands/s).
var checkEvery = map[dispatch.Lane]time.Duration{
	dispatch.OTP: 10 * time.Millisecond, dispatch.Normal: 10 * time.Millisecond,
	dispatch.Bulk: 100 * time.Millisecond,
}

// The queues of versions without ids are few and soon empty.
const (
	drainConcurrency = 4
	drainEvery       = 250 * time.Millisecond
	startAgain       = time.Second
)

// fetchAgain is how long asynq waits after an empty answer; then its lane does.
const fetchAgain = time.Millisecond

// Start begins to fetch as soon as the id of the installation is known.
func Start(o ServerOptions) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{ServerOptions: o, cancel: cancel, began: make(chan struct{})}
	go func() {
		defer close(s.began)
		s.begin(ctx)
	}()
	return s
}

// begin starts the servers of all lanes, and one of the queues of earlier versions.
func (s *Server) begin(ctx context.Context) {
	id, drain, err := s.Installation(ctx)
	for ; err != nil; id, drain, err = s.Installation(ctx) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(startAgain):
		}
	}
	l := newListener(s.Redis, id, ctx.Done())
	go l.listen(s.Redis.Subscribe(ctx, noticeChannel(id)))
	for _, lane := range dispatch.Lanes {
		queue := queueName(id, lane)
		s.fetch(l.lanes[queue], s.config(queue, Concurrency[lane], fetchAgain))
	}
	if drain > 0 {
		s.drain(ctx, drain)
	}
}

// drain works on what earlier versions have offered or, while they still run,
// offer. The feeder offers it again too, but only after seconds.
func (s *Server) drain(ctx context.Context, most time.Duration) {
	_ = s.Redis.Expire(ctx, oldEpochKey, oldKeysTime).Err() // a version without ids sets it again
	c := s.config(dispatch.OTP.String(), drainConcurrency, drainEvery)
	for i, lane := range dispatch.Lanes {
		c.Queues[lane.String()] = len(dispatch.Lanes) - i
	}
	if srv := s.fetch(s.Redis, c); srv != nil {
		time.AfterFunc(most, srv.Shutdown)
	}
}

// fetch starts an asynq server.
func (s *Server) fetch(rc redis.UniversalClient, c asynq.Config) *asynq.Server {
	srv := asynq.NewServerFromRedisClient(rc, c)
	mux := asynq.NewServeMux()
	mux.HandleFunc(taskPage, func(ctx context.Context, t *asynq.Task) error {
		p, err := Decode(t.Payload())
		if err != nil {
			return fmt.Errorf("%w: %w", err, asynq.RevokeTask)
		}
		return s.Handle(ctx, p)
	})
	if err := srv.Start(mux); err != nil { // of a server that was started before
		s.Log.Error("queue not served", "error", err)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers = append(s.servers, srv)
	return srv
}

func (s *Server) config(queue string, concurrency int, interval time.Duration) asynq.Config {
	return asynq.Config{
		Concurrency: concurrency, Queues: map[string]int{queue: 1},
		TaskCheckInterval: interval, DelayedTaskCheckInterval: time.Second, ShutdownTimeout: s.Grace,
		// asynq never counts failures and never archives: Postgres decides.
		IsFailure: func(error) bool { return false },
		RetryDelayFunc: func(n int, err error, _ *asynq.Task) time.Duration {
			if errors.Is(err, asynq.ErrLeaseExpired) {
				return 0
			}
			d := min(time.Second<<min(n, 5), 30*time.Second)
			return d/2 + rand.N(d/2)
		},
		ErrorHandler: asynq.ErrorHandlerFunc(func(_ context.Context, _ *asynq.Task, err error) {
			s.Log.Warn("page handed back", "queue", queue, "error", err)
		}),
		Logger: logger{logs.NewSparse(s.Log, "asynq")}, LogLevel: asynq.WarnLevel,
	}
}

// Stop ends fetching; Shutdown waits for running pages too.
func (s *Server) Stop() { s.end((*asynq.Server).Stop) }

// Shutdown ends the servers.
func (s *Server) Shutdown() { s.end((*asynq.Server).Shutdown) }

func (s *Server) end(do func(*asynq.Server)) {
	s.cancel()
	<-s.began
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, srv := range s.servers {
		do(srv)
	}
}

// logger passes asynq's lines on. Its errors are of lost connections.
type logger struct{ *logs.Sparse }

func (l logger) Debug(args ...any) { l.Say(slog.LevelDebug, fmt.Sprint(args...)) }
func (l logger) Info(args ...any)  { l.Say(slog.LevelDebug, fmt.Sprint(args...)) }
func (l logger) Warn(args ...any)  { l.Say(slog.LevelDebug, fmt.Sprint(args...)) }
func (l logger) Error(args ...any) { l.Say(slog.LevelDebug, fmt.Sprint(args...)) }
func (l logger) Fatal(args ...any) { l.Say(slog.LevelError, fmt.Sprint(args...)) }

// redisLog takes the lines of go-redis; nil: they are dropped.
var redisLog atomic.Pointer[logs.Sparse]

// passed passes the lines of go-redis on, which has one logger for all clients.
type passed struct{}

// Printf is what go-redis calls.
func (passed) Printf(ctx context.Context, format string, args ...any) {
	if l := redisLog.Load(); l != nil {
		l.Printf(ctx, format, args...)
	}
}

func init() { redis.SetLogger(passed{}) } // before a client reads it

// LogTo passes the lines of go-redis on to log.
func LogTo(log *slog.Logger) { redisLog.Store(logs.NewSparse(log, "go-redis")) }
