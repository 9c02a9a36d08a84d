// Package bench measures Sendoff together with the raw limits of the machine
// that it runs on, so that the ratios hold on noisy hardware. It starts servers
// of its own and connects to loopback only.
package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/migrations"
)

// Options of a run.
type Options struct {
	Binary string // this program: serve, work and the raw echo run as processes of their own
	Dir    string // folder of the private servers; gone afterwards
	Quick  bool   // smaller numbers: under two minutes on two cores
	Only   string // a comma list of figures; empty: all
	Growth int    // finished messages for the growth figure; 0: not measured
	Out    io.Writer

	divide int // numbers and times are divided by it; 0: they are as they stand
}

// Figure is one measured line.
type Figure struct {
	Name   string  `json:"name"`
	How    string  `json:"how"`
	Raw    float64 `json:"raw,omitempty"` // the machine's own limit, same run
	RawIs  string  `json:"raw_is,omitempty"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Ratio  float64 `json:"ratio,omitempty"` // Value / Raw
	Must   string  `json:"must_reach"`
	Reach  bool    `json:"reached"`
	Detail string  `json:"detail,omitempty"`
	// CPU microseconds for each message, by part (serve, work, postgres, redis,
	// all); missing where /proc is.
	CPU map[string]float64 `json:"cpu_us,omitempty"`
}

// Report is a whole run.
type Report struct {
	At         time.Time `json:"at"`
	Quick      bool      `json:"quick"`
	Figures    []Figure  `json:"figures"`
	Lost       int       `json:"lost"`
	Duplicated int       `json:"duplicated"`
}

// stage is a running Sendoff with its surroundings.
type stage struct {
	o        Options
	stack    *devstack.Stack
	db       *sql.DB
	store    *store.Store
	accounts *account.Store
	emulator *emulator.Server
	emURL    string
	base     string
	key      string
	env      []string
	channels []dispatch.Channel
	serve    *exec.Cmd
	work     *exec.Cmd
	client   *http.Client
	report   *Report
	sent     int // messages accepted in this run, and the next one's number
	arrived  int // of those, what the emulator's cleared logs held
	stops    []func()
}

// Run measures and reports. Figures measured before an error are kept.
func Run(ctx context.Context, o Options) (rep *Report, err error) {
	rep = &Report{At: time.Now().UTC(), Quick: o.Quick}
	chosen, err := o.Figures()
	if err != nil {
		return rep, err
	}
	s := &stage{o: o, report: rep, client: loadClient()}
	defer s.close()
	fmt.Fprintln(o.Out, "starting private servers …")
	if err := s.start(ctx); err != nil {
		return rep, err
	}
	for _, f := range figures {
		if !slices.Contains(chosen, f.name) {
			continue
		}
		fmt.Fprintf(o.Out, "measuring %s …\n", f.name)
		if err := f.run(ctx, s); err != nil {
			return rep, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return rep, s.audit(ctx)
}

// figures in the order of the table; later ones use what earlier ones left.
var figures = []struct {
	name string
	run  func(context.Context, *stage) error
}{
	{"idle", measureIdle},
	{"accept", measureAccept},
	{"features", measureFeatures},
	{"pages", measurePages},
	{"batch", measureBatch},
	{"dispatch", measureDispatch},
	{"dashboards", measureDashboards},
	{"textbook", measureTextbook},
	{"scale", measureScale},
	{"latency", measureSlowProvider},
	{"steady", measureSteady},
	{"otp", measureOTP},
	{"poll", measurePoll},
	{"callbacks", measureCallbacks},
	{"growth", measureGrowth},
	{"memory", measureMemory},
}

// Names returns the figures that a run can measure, in their order.
func Names() (names []string) {
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}

// Figures returns the names of the figures that o asks for. It returns an error
// for what can't be measured.
func (o *Options) Figures() ([]string, error) {
	all := Names()
	if o.Growth < 0 {
		return nil, errors.New("--growth must not be negative")
	}
	if o.Only == "" {
		return all, nil
	}
	names := strings.Split(o.Only, ",")
	for _, name := range names {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("--only: there is no figure %q; there are: %s", name, strings.Join(all, ", "))
		}
		if name == "growth" && o.Growth == 0 {
			return nil, errors.New("--only growth: set --growth to a number of messages")
		}
	}
	return names, nil
}

func (s *stage) add(f Figure) {
	if f.Raw > 0 {
		f.Ratio = f.Value / f.Raw
	}
	s.report.Figures = append(s.report.Figures, f)
	fmt.Fprintln(s.o.Out, "  ", f.line())
}

func (s *stage) start(ctx context.Context) error {
	log := slog.New(slog.DiscardHandler)
	var err error
	if s.stack, err = devstack.Start(ctx, devstack.Options{Dir: s.o.Dir, RedisAOF: true, Log: log}); err != nil {
		return err
	}
	s.onClose(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = s.stack.Stop(ctx) // the folder goes anyway
	})
	if _, err := migrations.Up(ctx, s.stack.PostgresURL()); err != nil {
		return err
	}
	if err := s.startEmulator(); err != nil {
		return err
	}
	if err := s.account(ctx); err != nil {
		return err
	}
	return s.startRoles(ctx)
}

func (s *stage) startEmulator() error {
	st := emulator.DefaultSettings()
	st.Callbacks, st.Record = false, false
	s.emulator = emulator.New(emulator.Options{Settings: &st})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	go func() { _ = s.emulator.Serve(l) }() // ends with Close
	s.emURL = "http://" + l.Addr().String()
	s.onClose(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = s.emulator.Close(ctx) // nothing follows
	})
	return nil
}

func (s *stage) account(ctx context.Context) error {
	const secret = "benchmark-secret-key-0123456789"
	box, err := pg.NewBox(secret)
	if err != nil {
		return err
	}
	db, err := pg.Open(pg.Options{URL: s.stack.PostgresURL(), MaxConns: 4, Application: "sendoff-bench", Box: box})
	if err != nil {
		return err
	}
	s.onClose(db.Close)
	s.store, s.accounts = store.New(db), account.New(db)
	if s.db, err = sql.Open("postgres", s.stack.PostgresURL()); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	s.onClose(func() { _ = s.db.Close() })
	a, err := demo.Account(ctx, s.accounts, s.emURL)
	if err != nil {
		return err
	}
	if s.key, err = demo.Key(ctx, s.accounts, a.ID, false); err != nil {
		return err
	}
	if s.channels, err = s.accounts.Channels(ctx, a.ID); err != nil {
		return err
	}
	for i := range s.channels { // as fast as the machine goes
		s.channels[i].Policy.Rate = 100_000
		if s.channels[i], err = s.accounts.UpdateChannel(ctx, s.channels[i]); err != nil {
			return err
		}
	}
	addr, err := devstack.FreeAddress()
	if err != nil {
		return err
	}
	s.base = "http://" + addr
	for i := range s.channels {
		s.channels[i].Settings["callback_url"] = s.base + "/callbacks/" + s.channels[i].Provider + "/" + s.channels[i].Key
		if err := app.RegisterAt(s.emURL, "", &s.channels[i]); err != nil {
			return err
		}
	}
	s.env = append(os.Environ(), "SENDOFF_POSTGRES_URL="+s.stack.PostgresURL(), "SENDOFF_REDIS_URL="+s.stack.RedisURL(),
		"SENDOFF_LISTEN="+addr, "SENDOFF_PUBLIC_URL="+s.base,
		"SENDOFF_SECRET_KEY="+secret, "SENDOFF_EMULATOR_URL="+s.emURL, "SENDOFF_PROVIDER_ALLOW=127.0.0.0/8",
		"SENDOFF_SHUTDOWN_GRACE=3s", "SENDOFF_WORK_LISTEN=", "SENDOFF_LOG_LEVEL=warn")
	return nil
}

func (s *stage) startRoles(ctx context.Context) (err error) {
	if s.serve, err = s.spawn("serve"); err != nil {
		return err
	}
	if s.work, err = s.spawn("work"); err != nil {
		return err
	}
	return s.ready(ctx, s.base)
}

func (s *stage) ready(ctx context.Context, base string) error {
	return s.until(ctx, 20*time.Second, "serve to be ready", func() (bool, error) {
		resp, err := s.client.Get(base + "/readyz")
		if err != nil {
			return false, nil
		}
		return resp.StatusCode == http.StatusOK, resp.Body.Close()
	})
}

// spawn runs this program with another command; it ends with the benchmark.
func (s *stage) spawn(args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(s.o.Binary, args...)
	cmd.Env, cmd.Stderr = s.env, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	s.onClose(func() { s.end(cmd) })
	return cmd, nil
}

// end signals a process to stop and waits for it.
func (s *stage) end(cmd *exec.Cmd) {
	if cmd.ProcessState != nil {
		return
	}
	_ = cmd.Process.Signal(os.Interrupt) // it may have ended by itself
	killed := time.AfterFunc(15*time.Second, func() { _ = cmd.Process.Kill() })
	defer killed.Stop()
	_ = cmd.Wait()
}

func (s *stage) onClose(f func()) { s.stops = append(s.stops, f) }

func (s *stage) close() {
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
}

// until polls a condition.
func (s *stage) until(ctx context.Context, most time.Duration, what string, f func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := f()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}

// resident is a process's memory in MiB.
func resident(pid int) (float64, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, fmt.Errorf("read memory of process: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("no memory figure in /proc")
}
