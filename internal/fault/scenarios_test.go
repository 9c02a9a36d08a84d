//go:build fault

package fault

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/sendoff/sendoff/internal/drill"
)

// number returns a number of the environment, or another one.
func number(t *testing.T, name string, other uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return other
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Every drill keeps the promises.
func TestScenario(t *testing.T) {
	o := drill.Options{
		Binary: binary, Messages: max(int(number(t, "SENDOFF_FAULT_MESSAGES", 5000)), 200), Seed: number(t, "SENDOFF_FAULT_SEED", rand.Uint64()),
	}
	t.Logf("SENDOFF_FAULT_SEED=%d SENDOFF_FAULT_MESSAGES=%d", o.Seed, o.Messages)
	for _, c := range drill.Scenarios() {
		t.Run(c.Name, func(t *testing.T) {
			if why := c.Unable(); why != "" {
				t.Skip(why)
			}
			c.On(t, o)
		})
	}
}
