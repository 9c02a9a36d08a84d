package bench_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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
		known := runtime.GOOS == "linux" && slices.Contains([]string{"accept", "batch", "dispatch", "dashboards"}, f.Name)
		if known && f.CPU["all"] <= 0 {
			t.Errorf("%s: CPU %v", f.Name, f.CPU)
		}
		// A figure reaches its goal at the share that it must reach, and is fast enough.
		if goal, isShare := share(f.Must); isShare && f.Reach != (f.Ratio >= goal) && (f.Reach || !strings.Contains(f.Must, ", p99")) {
			t.Errorf("%s: %.3f of what must be %s is reached: %v", f.Name, f.Ratio, f.Must, f.Reach)
		}
		if (f.Raw > 0) != (f.RawIs != "") || (f.Raw > 0) != (f.Ratio > 0) {
			t.Errorf("%s: raw limit %v (%s), ratio %v", f.Name, f.Raw, f.RawIs, f.Ratio)
		}
	}
	want := []string{
		"idle", "accept", "features", "page of 1", "page of 8", "page of 25", "page of 100", "page of 256", "batch", "redis", "dispatch",
		"dashboards",
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

// share reads the least ratio of a goal such as "0.20 x, p99 < 50 ms".
func share(must string) (goal float64, ok bool) {
	number, _, ok := strings.Cut(must, " x")
	if !ok {
		return 0, false
	}
	goal, err := strconv.ParseFloat(number, 64)
	return goal, err == nil
}

// The command prints the table and writes the report for machines and the drawing,
// also when a figure could not be measured.
func TestCommand_WritesItsReport(t *testing.T) {
	options(t) // for the environment alone
	for _, c := range []struct {
		only, table, problem string
		code, figures        int
	}{
		{"memory", "memory serve", "", 0, 2},
		{"poll", "lost 0  duplicated 0", "sendoff: poll: nothing was accepted before: run the figure accept too\n", 1, 0},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		var out, errOut bytes.Buffer
		code := cli.Run([]string{"bench", "--quick", "--only", c.only, "--out", dir}, strings.NewReader(""), &out, &errOut)
		if code != c.code || !strings.Contains(out.String(), c.table) || !strings.HasSuffix(errOut.String(), c.problem) {
			t.Errorf("%s: code %d, %s%s", c.only, code, &out, &errOut)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "bench.json"))
		if err != nil {
			t.Fatal(err)
		}
		var r bench.Report
		if err := json.Unmarshal(raw, &r); err != nil || !r.Quick || len(r.Figures) != c.figures || time.Since(r.At) > time.Hour {
			t.Errorf("%s: %s, %v", c.only, raw, err)
		}
		if drawn, err := os.ReadFile(filepath.Join(dir, "bench.svg")); err != nil || !bytes.HasPrefix(drawn, []byte("<svg ")) {
			t.Errorf("%s: %s, %v", c.only, drawn, err)
		}
	}
}

// A command line that can't be measured ends with code 2 and writes nothing.
func TestCommand_WrongOptions(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct{ args, want string }{
		{"--only speed", `--only: there is no figure "speed"; there are: idle, accept, `},
		{"--only growth", "--only growth: set --growth to a number of messages"},
		{"--growth=-1", "--growth must not be negative"},
		{"--growth many", "--growth"},
	} {
		var out, errOut bytes.Buffer
		args := append([]string{"bench", "--out", dir}, strings.Fields(c.args)...)
		if code := cli.Run(args, strings.NewReader(""), &out, &errOut); code != 2 || !strings.Contains(errOut.String(), c.want) {
			t.Errorf("%s: code %d, %s%s", c.args, code, &out, &errOut)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder of the report: %v", err)
	}
}

// The help names every figure, and the processes that a run starts are commands of
// the same program.
func TestCommand_HelpAndHelpers(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	code := cli.Run([]string{"bench", "--help"}, strings.NewReader(""), &out, &errOut)
	text := strings.Join(strings.Fields(out.String()), " ")
	if want := strings.Join(bench.Names(), ", ") + "."; code != 0 || !strings.Contains(text, want) || strings.Contains(text, "raw-") {
		t.Errorf("code %d, no %q in %s", code, want, text)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer srv.Close()
	out.Reset()
	spec := `{"urls":["` + srv.URL + `"],"method":"GET","conns":2,"for":50000000,"want":418}`
	code = cli.Run([]string{"bench", "--raw-load"}, strings.NewReader(spec), &out, &errOut)
	var hits struct{ Took, Times any }
	if err := json.Unmarshal(out.Bytes(), &hits); err != nil || code != 0 || len(hits.Times.([]any)) == 0 || hits.Took.(float64) < 1e7 {
		t.Errorf("code %d, %v, %s%s", code, err, &out, &errOut)
	}
	if code := cli.Run([]string{"bench", "--raw-load"}, strings.NewReader("{"), &out, &errOut); code != 1 ||
		!strings.Contains(errOut.String(), "sendoff: read what to send: ") {
		t.Errorf("half a description: code %d, %s", code, &errOut)
	}
	for _, flags := range []string{"--raw-echo nowhere", "--raw-textbook serve --raw-echo nowhere"} {
		if code := cli.Run(append([]string{"bench"}, strings.Fields(flags)...), strings.NewReader(""), &out, &errOut); code != 1 {
			t.Errorf("%s: code %d", flags, code)
		}
	}
}

func TestRun_ProgramThatDoesNotStart(t *testing.T) {
	o, _ := options(t)
	o.Binary = "/does/not/exist"
	if _, err := bench.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "start serve") {
		t.Errorf("error %v", err)
	}
}
