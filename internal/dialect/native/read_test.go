package native_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// A faulty body is read once more, for the faults that only accept finds, as long as it
// is small: a large one, as a tree of values, would take many times its bytes.
func TestRead_LargeFaultyBody_IsReadOnce(t *testing.T) {
	t.Parallel()
	body := func(n int) []byte {
		return fmt.Appendf(nil, `{"to":"+15550000001","type":"text","text":{"body":%q},"foo":1}`, strings.Repeat("x", n))
	}
	d, err := native.Read(body(1000))
	if err != nil || len(d.Faults) != 1 || d.Faults[0].Field != "/foo" || d.To == "" {
		t.Errorf("a small one: %+v, %v", d.Faults, err)
	}
	_, err = native.Read(body(20_000))
	if faults := dispatch.AsError(err).Faults; dispatch.CodeOf(err) != dispatch.Invalid || len(faults) != 1 || faults[0].Field != "/foo" {
		t.Errorf("a large one: %v", err)
	}
}
