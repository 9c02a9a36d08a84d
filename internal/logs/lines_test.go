package logs

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recordOf returns the line of a request with these attributes.
func recordOf(at time.Time, level slog.Level, as ...slog.Attr) slog.Record {
	r := slog.NewRecord(at, level, Request, 0)
	r.AddAttrs(as...)
	return r
}

func usual() []slog.Attr {
	return []slog.Attr{
		slog.String("request_id", "3f8e1c1e-8d57-4f0e-8f3b-6f0c38a8e5a1"), slog.String("method", "POST"), slog.String("route", "/v1/messages"),
		slog.Int("status", 202), slog.Int64("key_id", 7), slog.String("message_id", "0198c5a4-5a8b-7e21-9d2f-8a4e0b1c2d3e"), slog.Int64("ms", 3),
	}
}

// The line that is put together here is byte for byte that of slog.
func FuzzText_AsSlog(f *testing.F) {
	f.Add("request_id", "3f8e1c1e", int64(202), int64(1764489600123456789), "code")
	f.Add("", "", int64(-1), int64(1), "a b")
	f.Add("a=b", `quoted "text"`, int64(0), int64(999999), `back\slash`)
	f.Add("tab\t", "umlaut ü", int64(5), int64(-62135596800000000), "\xff")
	f.Add("k", "/callbacks/:provider/:channel", int64(404), int64(1764489600000000000), "\u2028")
	f.Fuzz(func(t *testing.T, key, text string, number, nanos int64, other string) {
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 5*3600+1800), time.FixedZone("", -3600)} {
			for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug, slog.LevelInfo - 1, slog.LevelWarn} {
				r := recordOf(time.Unix(0, nanos).In(zone), level, slog.String(key, text), slog.Int64("n", number), slog.String("x", other),
					slog.Int64(other, 1))
				var want, got bytes.Buffer
				o := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: Mask}
				if err := slog.NewTextHandler(&want, o).Handle(t.Context(), r.Clone()); err != nil {
					t.Fatal(err)
				}
				lines := NewLines(&got)
				if err := Calm(Text(lines, slog.LevelDebug)).Handle(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				lines.Flush()
				if got.String() != want.String() {
					t.Fatalf("got  %q\nwant %q", got.String(), want.String())
				}
			}
		}
	})
}

func TestText_OtherKindsAndGroups_AsSlog(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]func(*slog.Logger){
		"usual":    func(l *slog.Logger) { l.LogAttrs(t.Context(), slog.LevelInfo, Request, usual()...) },
		"duration": func(l *slog.Logger) { l.Info(Request, "took", time.Second) },
		"group":    func(l *slog.Logger) { l.WithGroup("g").Info(Request, "a", 1) },
		"with":     func(l *slog.Logger) { l.With("part", "x").Info(Request, "a", "b") },
		"number":   func(l *slog.Logger) { l.Info("other", "error", slog.StringValue("+12025550123")) },
		"nothing":  func(l *slog.Logger) { l.Info(Request) },
		"hidden":   func(l *slog.Logger) { l.Debug(Request, "a", "b") },
	} {
		for format, handler := range map[string]func(io.Writer) (plain, gathered slog.Handler){
			"text": func(w io.Writer) (plain, gathered slog.Handler) {
				return slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: Mask}), Text(NewLines(w), slog.LevelInfo)
			},
			"json": func(w io.Writer) (plain, gathered slog.Handler) {
				return slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: Mask}), JSON(NewLines(w), slog.LevelInfo)
			},
		} {
			var want, got bytes.Buffer
			plain, _ := handler(&want)
			_, gathered := handler(&got)
			in(slog.New(plain))
			in(slog.New(gathered))
			_, w, _ := strings.Cut(want.String(), "level") // the time differs
			_, g, _ := strings.Cut(got.String(), "level")
			if w != g {
				t.Errorf("%s %s: got %q, want %q", name, format, g, w)
			}
		}
	}
}

// writes counts what reaches the file.
type writes struct {
	mu  sync.Mutex
	all []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(p))
	return len(p), nil
}

func (w *writes) take() (lines []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, text := range w.all {
		lines = append(lines, strings.Count(text, "\n"))
	}
	w.all = nil
	return lines
}

func TestLines_GatheredInOrderAndSoon(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(*Lines, slog.Leveler) slog.Handler{"text": Text, "json": JSON} {
		synctest.Test(t, func(t *testing.T) {
			var out writes
			lines := NewLines(&out)
			log := slog.New(handler(lines, slog.LevelInfo))
			check := func(what string, want ...int) {
				t.Helper()
				synctest.Wait()
				got := out.take()
				if len(got) != len(want) {
					t.Fatalf("%s %s: wrote %v lines, want %v", name, what, got, want)
				}
				for i := range want {
					if got[i] != want[i] {
						t.Errorf("%s %s: wrote %v lines, want %v", name, what, got, want)
					}
				}
			}
			request := func(n int) {
				for range n {
					log.LogAttrs(t.Context(), slog.LevelInfo, Request, usual()...)
				}
			}
			request(1)
			check("a first line", 1)
			request(10)
			check("lines right after")
			time.Sleep(gatherFor)
			check("when the time is over", 10)
			time.Sleep(gatherFor)
			request(1)
			check("a line after a pause", 1)
			request(2)
			log.Info("stopped")
			check("another line", 3)
			request(2)
			log.Warn(Request)
			check("a warning", 3)
			request(3)
			lines.Flush()
			check("the end", 3)
			time.Sleep(2 * gatherFor)
			check("nothing is written twice")
			request(1 + gatherBytes/100)
			if got := out.take(); len(got) < 2 || got[1] < 50 {
				t.Errorf("%s: many lines: wrote %v", name, got)
			}
			lines.Flush()
		})
	}
}

func TestLines_ManyAtOnce_EachOnce(t *testing.T) {
	t.Parallel()
	var out writes
	lines := NewLines(&out)
	log := slog.New(Calm(Text(lines, slog.LevelInfo)))
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				if i%50 == 0 {
					log.Info("other")
				}
				text := []string{"plain", "needs quotes"}[i%2]
				log.LogAttrs(t.Context(), slog.LevelInfo, Request, slog.Int("g", g), slog.Int("i", i), slog.String("text", text))
			}
		})
	}
	all.Wait()
	lines.Flush()
	seen := map[string]int{}
	for line := range strings.Lines(strings.Join(out.all, "")) {
		if _, rest, ok := strings.Cut(line, "msg=request "); ok {
			seen[rest]++
		}
	}
	if len(seen) != 4000 {
		t.Errorf("%d lines, want 4000", len(seen))
	}
}

func BenchmarkRequestLine(b *testing.B) {
	for name, h := range map[string]slog.Handler{
		"slog": slog.NewTextHandler(io.Discard, &slog.HandlerOptions{ReplaceAttr: Mask}), "gathered": Text(NewLines(io.Discard), slog.LevelInfo),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := recordOf(time.Now(), slog.LevelInfo, usual()...)
			for b.Loop() {
				_ = h.Handle(b.Context(), r)
			}
		})
	}
}
