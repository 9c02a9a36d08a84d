package remote_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m) }
