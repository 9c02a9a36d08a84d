package drill

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sendoff/sendoff/internal/queue"
)

// serverScenarios are the faults of the servers that Sendoff uses: what hangs, is
// full, or loses its connections, and does not end.
func serverScenarios() []Scenario {
	return []Scenario{
		{
			"redis-crashes", "kill -9 of Redis, which starts again empty, five times", "nothing: messages come from Postgres meanwhile",
			serverFault([]int{15, 35, 55, 75, 90}, (*Stack).crashRedis),
		},
		{
			"redis-hangs", "SIGSTOP of Redis for 10 seconds", "nothing: requests are answered, messages come from Postgres meanwhile",
			serverFault([]int{30}, func(s *Stack) { s.hang(s.redisProcess(), 10*time.Second) }),
		},
		{
			"redis-full", "Redis refuses every write for 10 seconds, its memory being full", "nothing: messages come from Postgres meanwhile",
			serverFault([]int{30}, (*Stack).fillRedis),
		},
		{
			"connections-cut", "every connection to Postgres is ended, ten times", "nothing, or 503 with Retry-After for a moment",
			serverFault([]int{10, 18, 26, 34, 42, 50, 58, 66, 74, 82}, (*Stack).cutConnections),
		},
		{
			"postgres-hangs", "SIGSTOP of Postgres, every process of it, for 12 seconds", "503 with Retry-After until it goes on",
			serverFault([]int{40}, func(s *Stack) { s.hang(s.postgresProcesses(), 12*time.Second) }),
		},
		{
			"serve-hangs", "SIGSTOP of serve for 20 seconds, then SIGCONT",
			"requests without an answer; a repeat with the same Idempotency-Key makes no copy",
			serverFault([]int{40}, func(s *Stack) { s.hang([]int{s.Serve.PID()}, 20*time.Second) }),
		},
		{
			"long-transaction", "a transaction that stays open, and has read every table", "nothing", longTransaction,
		},
	}
}

// serverFault sends messages with a fault at some shares of them. No worker ends,
// so that no call is in doubt for long; one whose result Postgres could not take
// within its lease is.
func serverFault(percents []int, fault func(*Stack)) func(s *Stack, o Options) Result {
	return func(s *Stack, o Options) Result {
		s.Configure(`{"latency_ms":20}`)
		x := s.SendMany(o.Messages)
		x.During(percents, func() { fault(s) })
		return x.once(1+unknownRetries, "delivered")
	}
}

// longTransaction holds a snapshot open while all messages are sent: nothing that
// was deleted can be cleaned up.
func longTransaction(s *Stack, o Options) Result {
	ctx := s.t.Context()
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`); err != nil {
		s.t.Fatalf("%v", err)
	}
	if _, err := tx.ExecContext(ctx, `SELECT (SELECT count(*) FROM dispatch), (SELECT count(*) FROM messages)`); err != nil {
		s.t.Fatalf("%v", err)
	}
	x := s.SendMany(o.Messages)
	<-x.done
	s.made++
	return x.once(1, "delivered")
}

// redis has Redis run a command.
func (s *Stack) redis(command ...any) (string, error) {
	rc, err := queue.Open(s.Dev.RedisURL, 2)
	if err != nil {
		return "", err
	}
	defer func() { _ = rc.Close() }()
	return rc.Do(s.t.Context(), command...).Text()
}

var redisID = regexp.MustCompile(`process_id:(\d+)`)

// redisProcess returns the process id of Redis.
func (s *Stack) redisProcess() []int {
	s.t.Helper()
	info, err := s.redis("info", "server")
	id := redisID.FindStringSubmatch(info)
	if err != nil || id == nil {
		s.t.Fatalf("find redis: %q %v", info, err)
	}
	return numbers(s.t, id[1:])
}

// crashRedis is kill -9 of Redis; dev starts it again, empty.
func (s *Stack) crashRedis() {
	s.t.Helper()
	s.signal(s.redisProcess(), syscall.SIGKILL)
	Until(s.t, 30*time.Second, "redis back", func() error {
		_, err := s.redis("ping")
		return err
	})
}

// fillRedis has Redis refuse every write for a while.
func (s *Stack) fillRedis() {
	s.t.Helper()
	limit := func(bytes string) {
		Until(s.t, 30*time.Second, "redis is limited", func() error {
			_, err := s.redis("config", "set", "maxmemory", bytes)
			return err
		})
	}
	limit("1")
	if _, err := s.redis("set", "sendoff-drill", "1", "ex", "1"); err == nil {
		s.t.Errorf("redis takes writes though its memory is full")
	}
	s.pass(10 * time.Second)
	limit("0")
}

// cutConnections ends every connection to Postgres but our own.
func (s *Stack) cutConnections() {
	s.t.Helper()
	var n int
	err := s.DB.QueryRow(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&n)
	if err != nil || n == 0 {
		s.t.Errorf("%d connections ended: %v", n, err)
	}
}

// postgresProcesses returns the postmaster and its children.
func (s *Stack) postgresProcesses() []int {
	s.t.Helper()
	rows, err := s.DB.Query(`SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1) UNION SELECT pid::text FROM pg_stat_activity`)
	if err != nil {
		s.t.Fatalf("find postgres: %v", err)
	}
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			s.t.Fatalf("find postgres: %v", err)
		}
		ids = append(ids, id)
	}
	return numbers(s.t, ids)
}

// hang stops processes for a while.
func (s *Stack) hang(pids []int, d time.Duration) {
	s.t.Helper()
	s.signal(pids, syscall.SIGSTOP)
	defer s.signal(pids, syscall.SIGCONT)
	s.pass(d)
}

// pass lets some time of the drill pass.
func (s *Stack) pass(d time.Duration) {
	s.t.Helper()
	over := time.Now().Add(d)
	Until(s.t, d+time.Minute, fmt.Sprintf("%v have passed", d), func() error {
		if time.Now().Before(over) {
			return errors.New("not yet")
		}
		return nil
	})
}

// signal sends a signal to processes; one that has ended needs none.
func (s *Stack) signal(pids []int, sig syscall.Signal) {
	s.t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			s.t.Errorf("signal %d: %v", pid, err)
		}
	}
}

// numbers reads process ids.
func numbers(t T, texts []string) (pids []int) {
	t.Helper()
	for _, text := range texts {
		pid, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || pid <= 1 {
			t.Fatalf("%q is no process id", text)
		}
		pids = append(pids, pid)
	}
	return pids
}
