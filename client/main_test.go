package client_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }
