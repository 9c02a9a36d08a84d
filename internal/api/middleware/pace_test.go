package middleware

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// deadlines is a writer that notes the deadline of reads.
type deadlines struct {
	http.ResponseWriter

	read time.Time
	sets int
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.read = t
	d.sets++
	return nil
}

// The deadline moves on with every 64 KiB, and not with every byte.
func TestPacedBody_DeadlineMovesWithProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &deadlines{ResponseWriter: httptest.NewRecorder()}
		b := &pacedBody{ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat("x", 3*paceBytes))), to: w}
		buf := make([]byte, 1024)
		start := time.Now()
		for range paceBytes / 1024 {
			if _, err := b.Read(buf); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if w.sets != 1 || !w.read.Equal(start.Add(paceTime)) {
			t.Errorf("%d deadlines, the last %v after the start", w.sets, w.read.Sub(start))
		}
		if _, err := io.Copy(io.Discard, b); err != nil {
			t.Fatal(err)
		}
		if w.sets < 3 || !w.read.IsZero() {
			t.Errorf("%d deadlines, at the end %v", w.sets, w.read)
		}
	})
}
