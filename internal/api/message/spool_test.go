package message

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestSpool_ReturnsWhatWasWritten(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]int{"none": 0, "memory": 10, "file": 3 * spoolAfter / 1000} {
		var s spool
		defer func() { _ = s.close() }()
		line := []byte(strings.Repeat("x", 999) + "\n")
		for range lines {
			if _, err := s.Write(line); err != nil {
				t.Fatal(err)
			}
		}
		if inFile := s.file != nil; inFile != (name == "file") {
			t.Errorf("%s: in a file: %v", name, inFile)
		}
		r, err := s.reader()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		if err := joined(w, r); err != nil {
			t.Fatal(err)
		}
		_ = w.Flush()
		if want := max(lines*1000-1, 0); out.Len() != want || bytes.Count(out.Bytes(), []byte(",")) != max(lines-1, 0) {
			t.Errorf("%s: %d bytes, want %d", name, out.Len(), want)
		}
	}
}

func TestCut_BoundsFaults(t *testing.T) {
	t.Parallel()
	var f dispatch.Faults
	for range 100 {
		f.Add("/"+strings.Repeat("é", 100), "%s", "bad")
	}
	e := dispatch.AsError(cut(f.Err()))
	if len(e.Faults) == 0 || len(e.Faults) > maxFaults || len(e.Faults[0].Field) > maxFaultField+len("…") ||
		!strings.HasSuffix(e.Faults[0].Field, "…") {
		t.Errorf("%d faults, the first %q", len(e.Faults), e.Faults[0].Field)
	}
	if cut(nil) != nil || dispatch.CodeOf(cut(io.ErrUnexpectedEOF)) != dispatch.Internal {
		t.Error("cut changes what is no refusal")
	}
}
