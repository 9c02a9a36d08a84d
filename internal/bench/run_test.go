package bench_test

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/bench"
	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/storetest"
)

// asSendoff makes the test's own program the one that a benchmark starts.
const asSendoff = "SENDOFF_BENCH_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(asSendoff) != "" {
		os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	storetest.Main(m)
}

func options(t *testing.T) (o bench.Options, printed *bytes.Buffer) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := devstack.MkdirTemp("", "sendoff-bench-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv(asSendoff, "1")
	printed = &bytes.Buffer{}
	return bench.Options{Binary: binary, Dir: dir, Quick: true, Growth: 500, Out: printed}.Divided(20), printed
}

// A run of a twentieth of the size measures every figure against its raw limit,
// with real processes, and its audit finds every message once.
func TestRun_EveryFigure(t *testing.T) {
	o, printed := options(t)
	r, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatalf("%v; it had printed:\n%s", err, printed)
	}
	if r.Lost != 0 || r.Duplicated != 0 {
		t.Errorf("%d lost, %d duplicated", r.Lost, r.Duplicated)
	}
	var names []string
	for _, f := range r.Figures {
		names = append(names, f.Name)
		if f.Value <= 0 || f.Unit == "" || f.Must == "" || f.How == "" {
			t.Errorf("%s: %+v", f.Name, f)
		}
		known := runtime.GOOS == "linux" && slices.Contains([]string{"accept", "batch", "dispatch"}, f.Name)
		if known && f.CPU["all"] <= 0 {
			t.Errorf("%s: CPU %v", f.Name, f.CPU)
		}
		if (f.Raw > 0) != (f.RawIs != "") || (f.Raw > 0) != (f.Ratio > 0) {
			t.Errorf("%s: raw limit %v (%s), ratio %v", f.Name, f.Raw, f.RawIs, f.Ratio)
		}
	}
	want := []string{
		"accept", "features", "page of 1", "page of 8", "page of 25", "page of 100", "page of 256", "batch", "redis", "dispatch",
		"textbook accept", "textbook dispatch", "2 workers", "4 workers", "2 front doors",
		"latency", "steady", "otp", "poll", "callbacks",
		"growth accept", "growth dispatch", "growth poll", "growth list", "growth callbacks", "memory serve", "memory work",
	}
	slices.Sort(names)
	slices.Sort(want)
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("figures (-want +got):\n%s", d)
	}
	for _, name := range bench.Names() {
		if !strings.Contains(printed.String(), "measuring "+name+" …") {
			t.Errorf("%s is not told before it is measured:\n%s", name, printed)
		}
	}
}

// A figure that needs what another one leaves names it, and what was measured
// before is kept.
func TestRun_FigureThatNeedsAnother(t *testing.T) {
	o, _ := options(t)
	o.Only = "memory,poll"
	r, err := bench.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "poll: ") || !strings.Contains(err.Error(), "accept") {
		t.Fatalf("error %v", err)
	}
	if len(r.Figures) != 0 || r.At.IsZero() || !r.Quick {
		t.Errorf("%+v", r)
	}
}

func TestRun_ProgramThatDoesNotStart(t *testing.T) {
	o, _ := options(t)
	o.Binary = "/does/not/exist"
	if _, err := bench.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "start serve") {
		t.Errorf("error %v", err)
	}
}
