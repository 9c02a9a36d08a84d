package manage_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// front adds this package's helpers to a running API server.
type front struct{ *apitest.Front }

func newFront(t *testing.T) *front {
	t.Helper()
	return &front{apitest.New(t)}
}

type (
	reply = apitest.Reply
	m     = apitest.M
)
